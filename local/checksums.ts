import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { codeOf } from '#platform/log';
import { LaunchFailure } from './launch-failure.ts';

/** "<64 hexadecimal digits>  <path>" as sha256sum writes it, by path; lines with # are comments. */
export const readChecksums = (file: string): ReadonlyMap<string, string> =>
  new Map(
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line): readonly [string, string][] => {
        const [, digest = '', path = ''] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? [];
        return path === '' ? [] : [[path, digest]];
      }),
  );

export const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
};

/**
 * Files below these folders of `root` that are not what the repository
 * says they are, by path; one that it does not know is none of ours.
 */
export const strangeFiles = async (
  root: string,
  folders: readonly string[],
  checksums: ReadonlyMap<string, string>,
): Promise<readonly string[]> => {
  const paths = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`));
  const digests = await Promise.all(paths.map(async (path) => sha256Of(join(root, path))));
  return paths.filter((path, index) => checksums.get(path) !== digests[index]);
};

/**
 * Removes files of these names from Maven's own folder, so that the
 * next start fetches them again instead of finding them there.
 */
export const forgetFiles = (repository: string, paths: readonly string[]): void => {
  const names = new Set(paths.map((path) => basename(path)));
  for (const found of readdirSync(repository, { recursive: true, encoding: 'utf8' }))
    if (names.has(basename(found))) rmSync(join(repository, found), { force: true });
};

/**
 * Throws a LaunchFailure when a fetched file is not the one that the repository names; `forget` is told which before.
 */
export const verifyFiles = async (
  root: string,
  checksums: string,
  forget: (paths: readonly string[]) => Promise<void>,
): Promise<void> => {
  const strange = await strangeFiles(root, ['kafka', 'archives'], readChecksums(checksums));
  if (strange.length === 0) return;
  await forget(strange);
  throw new LaunchFailure(
    codeOf('start', 'files'),
    `What Maven fetched is not what ${basename(checksums)} names: ${strange.join(', ')}. The files were removed ` +
      'and nothing of them was run. Start again to fetch them anew; when it stays so, ask whoever runs the Maven ' +
      'repository that this machine uses.',
  );
};
