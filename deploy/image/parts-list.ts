import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes the image's parts list in CycloneDX JSON: every production package with its
 * version, licence and hash, Node among them, as package-lock.json has them. What the
 * base image brings is listed by the base image's own maker. Answers the file's path.
 */
export const writePartsList = (root: string, folder: string, createdAt: string): string => {
  const list = execFileSync(
    'npm',
    ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--omit=dev', '--package-lock-only'],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const file = join(folder, 'sbom.cdx.json');
  writeFileSync(file, `${JSON.stringify(settled(JSON.parse(list) as PartsList, createdAt), undefined, 1)}\n`);
  return file;
};

interface PartsList {
  readonly metadata: object;
}

/** The same commit makes the same list: npm's draws (serial number, time of the run) are replaced or left out. */
const settled = (list: PartsList, createdAt: string): object => ({
  ...list,
  serialNumber: undefined,
  metadata: { ...list.metadata, timestamp: createdAt },
});
