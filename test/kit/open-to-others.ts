import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What another user of the machine can list or read. Folders that may only
 * be passed through, as Postgres needs as another user, are looked into.
 */
export const openToOthers = (folder: string): readonly string[] => {
  const { mode } = statSync(folder);
  const listed = (mode & 0o066) === 0 ? [] : [folder];
  if ((mode & 0o011) === 0) return listed;
  const inside = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return openToOthers(path);
    return (statSync(path).mode & 0o077) === 0 ? [] : [path];
  });
  return [...listed, ...inside];
};
