import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { codeOf } from '#platform/log';
import { repositoryRoot } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';

const FETCH_WITHIN_MS = 300_000;

/** Where a program of this name is on the PATH. */
export const onPath = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));

export interface DebianPackage {
  readonly name: string;
  /** As people call it. */
  readonly title: string;
  /** What a person does where it cannot be fetched. */
  readonly how: string;
}

/**
 * The folder with a Debian package, unpacked and not installed: no rights are needed, no daemon starts. Fetched once,
 * into the folder of servers; `onFetch` is told before. Throws a LaunchFailure where it cannot be had.
 */
export const debianPackage = (wanted: DebianPackage, onFetch: () => void = () => undefined): string => {
  const folder = join(repositoryRoot, '.dakia', 'servers', `${wanted.name}-${process.arch}`);
  if (existsSync(folder)) return folder;
  if (onPath('apt-get') === undefined || onPath('dpkg-deb') === undefined)
    throw new LaunchFailure(codeOf('start', 'requirements'), `${wanted.title} was not found. ${wanted.how}`);
  onFetch();
  fetchPackage(wanted, folder);
  return folder;
};

/** The lists of packages are fetched into the same folder. */
const fetchPackage = (wanted: DebianPackage, folder: string): void => {
  const making = `${folder}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(making, 'apt', name), { recursive: true });
  const options = [
    ...['-q', '-o', 'APT::Sandbox::User=', '-o', `Dir::State::Lists=${join(making, 'apt', 'lists')}`],
    ...['-o', `Dir::Cache=${join(making, 'apt', 'cache')}`],
    // The package is compared with the list, and the list with the signature of who publishes it.
    ...['-o', 'Acquire::AllowInsecureRepositories=false', '-o', 'APT::Get::AllowUnauthenticated=false'],
  ];
  run(wanted, 'apt-get', [...options, 'update'], making);
  run(wanted, 'apt-get', [...options, 'download', wanted.name], making);
  const [deb] = readdirSync(making).filter((name) => name.endsWith('.deb'));
  run(wanted, 'dpkg-deb', ['-x', deb ?? '', making], making);
  for (const name of ['apt', deb ?? '']) rmSync(join(making, name), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
};

/** Runs a program of the packaging system; throws what a person can do when it fails. */
const run = ({ title, how }: DebianPackage, command: string, args: readonly string[], cwd: string): void => {
  const { status, stderr, error } = spawnSync(command, [...args], { cwd, encoding: 'utf8', timeout: FETCH_WITHIN_MS });
  if (status === 0) return;
  const why = error?.message ?? (stderr.trim() || `exit code ${status ?? 'none'}`);
  throw new LaunchFailure(
    codeOf('start', 'requirements'),
    `${title} could not be fetched (${command}: ${why}). ${how}`,
  );
};
