import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { readConfig } from '#platform/config';
import type { ConfigOf, Environment, Settings } from '#platform/config';
import { plain, plainCell } from './terminal.ts';

/** What every command shares: where settings come from, how it prints, and how it ends. */
export const exitCodes = { ok: 0, notAsExpected: 1, usage: 2 } as const;

/** The command cannot be carried out as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The state folder of `npm start`: env, secret, remembered simulations. */
export const dataDirOf = (command: Command): string => resolve(command.optsWithGlobals<{ dataDir: string }>().dataDir);
export const DEFAULT_DATA_DIR = join(import.meta.dirname, '..', '.dakia');

/** The process's environment; what it does not set is taken from the `env` that `npm start` writes, when there is one. */
export const environmentOf = (command: Command): Environment => {
  const given = Object.entries(process.env).filter(([, value]) => value !== undefined && value !== '');
  return { ...parseEnv(readIfThere(join(dataDirOf(command), 'env')) ?? ''), ...Object.fromEntries(given) };
};

/** Of this release, as package.json has it. */
export const versionOf = (): string =>
  (JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string })
    .version;

export const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Reads the settings that a command needs. `given`: values of its options, which stand above the environment. */
export const settingsOf = <Of extends Settings>(
  command: Command,
  settings: Of,
  given: Environment = {},
): ConfigOf<Of> => {
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  const config = readConfig(settings, { ...environmentOf(command), ...Object.fromEntries(chosen) });
  if (config.ok) return config.value;
  throw new UsageError(
    `${config.issues.join('\n')}\nSet it in the environment, or run npm start first: it writes ${join(dataDirOf(command), 'env')}.`,
  );
};

export const print = (text: string): void => void process.stdout.write(`${plain(text)}\n`);
export const jsonOf = (value: unknown): string =>
  plain(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item)));
export const printJson = (value: unknown): void => print(jsonOf(value));
export const warn = (text: string): void => void process.stderr.write(`${plain(text)}\n`);

/** A time as commands print it. */
export const timeOf = (time: Date): string => time.toISOString();

/** Rows in columns, the first row as heading; numbers to the right. */
export const table = (given: readonly (readonly (string | number | bigint)[])[]): string => {
  const rows = given.map((row) => row.map((value) => (typeof value === 'string' ? plainCell(value) : value)));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)));
  const cell = (value: string | number | bigint, width: number): string =>
    typeof value === 'string' ? value.padEnd(width) : String(value).padStart(width);
  return rows
    .map((row) =>
      row
        .map((value, column) => cell(value, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** Reads an option that must be a whole number. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };

/** Reads an option that must be a share of a whole. */
export const share = (text: string): number => {
  const number = Number(text);
  if (/^\d*\.?\d+$/.test(text) && number <= 1) return number;
  throw new InvalidArgumentError('Give a number from 0 to 1.');
};

/** An AggregateError, as of a refused connection to a name with several addresses, has no message of its own. */
export const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};
