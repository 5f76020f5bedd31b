import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Migration {
  readonly number: number;
  /** File name, such as 0010_payments.sql. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text with Unix line ends, in hex. */
  readonly checksum: string;
}

const ROOT = join(import.meta.dirname, '..', '..');
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** The migrations of the store and of every service, lowest number first. A number stands for one file in the whole repository. */
export const readMigrations = async (root = ROOT): Promise<readonly Migration[]> => {
  const services = (await readdir(join(root, 'services'), { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const folders = [join(root, 'libs', 'store', 'migrations'), ...services.map(({ name }) => join(root, 'services', name, 'migrations'))];
  const migrations = (await Promise.all(folders.map(readFolder))).flat().sort((a, b) => a.number - b.number);
  for (const [index, { name, number }] of migrations.entries()) {
    const before = migrations[index - 1];
    if (before?.number === number) throw new Error(`migrations ${before.name} and ${name} have the same number; give one of them another`);
  }
  return migrations;
};

const readFolder = async (folder: string): Promise<readonly Migration[]> => {
  const names = await namesIn(folder);
  return Promise.all(names.map(async (name) => migrationOf(name, await readFile(join(folder, name), 'utf8'))));
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.sql'));
  } catch (error) {
    // A service without tables of its own has no such folder.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

export const migrationOf = (name: string, text: string): Migration => {
  const number = FILE_NAME.exec(name)?.[1];
  if (number === undefined) throw new Error(`migration ${name} must be named like 0010_payments.sql: four digits, then lower-case words`);
  const sql = text.replaceAll('\r\n', '\n');
  return { number: Number(number), name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
};
