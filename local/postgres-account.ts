import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { codeOf } from '#platform/log';
import { makeFolder } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import { writePrivate } from './private-files.ts';
import type { Report } from './progress.ts';

/** Who Postgres runs as, and where its program and its data lie. */
export interface PostgresPlace {
  /** Absent: as whoever started us. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly program: string;
  readonly data: string;
}

/**
 * Postgres refuses root. Started by root it runs as nobody, who must be able to reach the
 * program and the data; under a home that only root may enter (0700, the usual mode of
 * /root) both lie in a folder of their own under /var/tmp, remembered beside the data.
 */
export const placePostgres = (program: string, data: string, report: Report): PostgresPlace => {
  if (process.getuid?.() !== 0) return { program, data };
  const user = nobody();
  if (mayEnter(user, program) && mayEnter(user, join(data, '..'))) return { user, program, data: ownedBy(user, data) };
  const refuge = findRefuge(user, locationFile(data));
  report('postgres', `runs as user nobody, who may not enter ${data}: its data is in ${refuge}`);
  const copy = join(refuge, `program-${basename(join(program, '..'))}`);
  if (!existsSync(copy)) {
    execFileSync('cp', ['-a', program, `${copy}.new`]);
    execFileSync('mv', [`${copy}.new`, copy]);
  }
  return { user, program: copy, data: ownedBy(user, join(refuge, 'data')) };
};

const locationFile = (data: string): string => `${data}.location`;

/** Removes the folder outside, where there is one, together with the data in it. */
export const removeRefuge = (data: string): void => {
  const file = locationFile(data);
  if (existsSync(file)) rmSync(readFileSync(file, 'utf8').trim(), { recursive: true, force: true });
};

const nobody = (): { readonly uid: number; readonly gid: number } => {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
};

/** Asks the system itself, as that user: modes, owners and access lists of every parent count. */
const mayEnter = (user: { readonly uid: number; readonly gid: number }, folder: string): boolean =>
  spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...user, cwd: '/', stdio: 'ignore' }).status === 0;

const ownedBy = (user: { readonly uid: number; readonly gid: number }, folder: string): string => {
  makeFolder(folder);
  chmodSync(folder, 0o700);
  chownSync(folder, user.uid, user.gid);
  return folder;
};

const findRefuge = (user: { readonly uid: number; readonly gid: number }, rememberedIn: string): string => {
  if (existsSync(rememberedIn)) {
    const remembered = readFileSync(rememberedIn, 'utf8').trim();
    if (mayEnter(user, remembered)) return remembered;
  }
  for (const parent of ['/var/tmp', tmpdir()]) {
    if (!existsSync(parent) || !mayEnter(user, parent)) continue;
    const refuge = mkdtempSync(join(parent, 'dakia-postgres-'));
    chmodSync(refuge, 0o755);
    writePrivate(rememberedIn, `${refuge}\n`);
    return refuge;
  }
  throw new LaunchFailure(
    codeOf('start', 'requirements'),
    'Postgres does not run as root, and user nobody may enter neither this checkout nor the temp folder. Put the ' +
      'checkout or --data-dir where others may enter (chmod o+x on every parent), or start as an ordinary user.',
  );
};
