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

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'migrations');
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** File names of the migrations of the repository, lowest number first. */
export const migrationNames = async (folder = FOLDER): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();

/** The migrations of the repository, lowest number first. A number stands for one file. */
export const readMigrations = async (folder = FOLDER): Promise<readonly Migration[]> => {
  const names = await migrationNames(folder);
  const migrations = await Promise.all(
    names.map(async (name) => migrationOf(name, await readFile(join(folder, name), 'utf8'))),
  );
  migrations.sort((a, b) => a.number - b.number);
  for (const [index, { name, number }] of migrations.entries()) {
    const before = migrations[index - 1];
    if (before?.number === number)
      throw new Error(`migrations ${before.name} and ${name} have the same number; give one of them another`);
  }
  return migrations;
};

export const migrationOf = (name: string, text: string): Migration => {
  const number = FILE_NAME.exec(name)?.[1];
  if (number === undefined)
    throw new Error(`migration ${name} must be named like 0010_payments.sql: four digits, then lower-case words`);
  const sql = text.replaceAll('\r\n', '\n');
  return { number: Number(number), name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
};
