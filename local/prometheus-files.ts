import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { codeOf } from '#platform/log';
import { repositoryRoot } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import { silent } from './progress.ts';
import type { Report } from './progress.ts';

export interface PrometheusFiles {
  readonly prometheus: string;
  readonly promtool: string;
  /** More arguments of `prometheus`, where it is not installed but unpacked. */
  readonly args: readonly string[];
}

const HOW =
  'Install Prometheus so that prometheus and promtool are on the PATH (Debian and Ubuntu: apt install ' +
  'prometheus, macOS: brew install prometheus), and run the command again.';
const FETCH_WITHIN_MS = 300_000;

const onPath = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));

const unpackedIn = (folder: string): PrometheusFiles => ({
  prometheus: join(folder, 'usr', 'bin', 'prometheus'),
  promtool: join(folder, 'usr', 'bin', 'promtool'),
  args: ['--web.local-assets', join(folder, 'usr', 'share', 'prometheus', 'web')],
});

/** Runs a program of the packaging system; throws what a person can do when it fails. */
const run = (command: string, args: readonly string[], cwd: string): void => {
  const { status, stderr, error } = spawnSync(command, [...args], { cwd, encoding: 'utf8', timeout: FETCH_WITHIN_MS });
  if (status === 0) return;
  const why = error?.message ?? (stderr.trim() || `exit code ${status ?? 'none'}`);
  throw new LaunchFailure(
    codeOf('start', 'requirements'),
    `Prometheus could not be fetched (${command}: ${why}). ${HOW}`,
  );
};

/**
 * Debian's package, unpacked and not installed: no rights are needed, no daemon starts. The lists of packages are apt's
 * own where it has them, else fetched into the same folder.
 */
const fetchPackage = (folder: string): void => {
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
  run('apt-get', [...options, 'update'], making);
  run('apt-get', [...options, 'download', 'prometheus'], making);
  const [deb] = readdirSync(making).filter((name) => name.endsWith('.deb'));
  run('dpkg-deb', ['-x', deb ?? '', making], making);
  for (const name of ['apt', deb ?? '']) rmSync(join(making, name), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
};

/**
 * Prometheus and promtool: those on the PATH, else Debian's, fetched
 * once. Throws a LaunchFailure where neither can be had.
 */
export const prometheusFiles = (report: Report = silent): PrometheusFiles => {
  const [prometheus, promtool] = [onPath('prometheus'), onPath('promtool')];
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool, args: [] };
  const folder = join(repositoryRoot, '.dakia', 'servers', `prometheus-${process.arch}`);
  if (!existsSync(folder)) {
    if (onPath('apt-get') === undefined || onPath('dpkg-deb') === undefined)
      throw new LaunchFailure(codeOf('start', 'requirements'), `Prometheus was not found. ${HOW}`);
    report('prometheus', "not on the PATH: Debian's package is fetched, once (20 MB)");
    fetchPackage(folder);
  }
  return unpackedIn(folder);
};
