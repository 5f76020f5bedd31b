import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv, styleText } from 'node:util';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { overlaid, readConfig } from '#platform/config';
import type { ConfigOf, Environment, Settings } from '#platform/config';
import { codeOf } from '#platform/log';
import { layOut, LINE_WIDTH, wrap } from './table.ts';
import type { Cell } from './table.ts';
import { plain, plainCell } from './terminal.ts';

/** What every command shares: where settings come from, how it prints, and how it ends. */
export const exitCodes = { ok: 0, notAsExpected: 1, usage: 2 } as const;
/** What they mean; a part of each help, and of docs/failures.md. */
export const endings: readonly (readonly [code: number, means: string])[] = [
  [exitCodes.ok, 'done, or as expected'],
  [exitCodes.notAsExpected, 'not as expected, or a server does not answer'],
  [exitCodes.usage, 'the command or a setting is wrong'],
];

/** The command cannot be carried out as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The servers of a command by the setting that each is found by. */
const servers = {
  KAFKA_BROKERS: ['Kafka', codeOf('cli', 'kafka')],
  DATABASE_URL: ['Postgres', codeOf('cli', 'postgres')],
  REDIS_URL: ['Redis', codeOf('cli', 'redis')],
  SCHEMA_REGISTRY_URL: ['the schema registry', codeOf('cli', 'registry')],
} as const;

/** A server cannot be used; `setting` is the name of what it was found by. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly setting: keyof typeof servers;
  /** What was found out without it, for --json. */
  readonly known: Readonly<Record<string, unknown>>;
  constructor(setting: keyof typeof servers, cause: unknown, known: Readonly<Record<string, unknown>> = {}) {
    const [server, code] = servers[setting];
    super(
      `${setting}: ${server} cannot be used with this setting, or is away: ${messageOf(cause)} (${code})\n` +
        `Start it, or correct ${setting}; npx dakia doctor asks every server.`,
      { cause },
    );
    this.setting = setting;
    this.known = known;
  }
}

/**
 * What a client says of a server that it cannot use, as a ServerError;
 * anything else as it is. Postgres' errors are told apart where it is asked.
 */
export const serverErrorOf = (error: unknown): unknown => {
  if (!(error instanceof Error) || error instanceof ServerError) return error;
  if (error.name.startsWith('KafkaJS')) return new ServerError('KAFKA_BROKERS', error);
  if (error.message.startsWith('the schema registry')) return new ServerError('SCHEMA_REGISTRY_URL', error);
  return error.message.startsWith('Redis is away') ? new ServerError('REDIS_URL', error) : error;
};

/** The state folder of `npm start`: env, secret, remembered simulations. */
export const dataDirOf = (command: Command): string => resolve(command.optsWithGlobals<{ dataDir: string }>().dataDir);
export const DEFAULT_DATA_DIR = join(import.meta.dirname, '..', '.dakia');

/**
 * The process's environment; what it does not set is taken from the `env` that `npm start` writes, when there is one.
 */
export const environmentOf = (command: Command): Environment =>
  overlaid(parseEnv(readIfThere(join(dataDirOf(command), 'env')) ?? ''), process.env);

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
  const config = readConfig(settings, overlaid(environmentOf(command), given));
  if (config.ok) return config.value;
  throw new UsageError(
    `${config.issues.join('\n')}\nSet it in the environment, or run npm start first: it writes ` +
      `${join(dataDirOf(command), 'env')}.`,
  );
};

/** How a line is meant, in colour: only in a terminal, and not with NO_COLOR. */
type Tone = 'good' | 'bad' | 'heading';
const STYLES = { good: 'green', bad: 'red', heading: 'bold' } as const;

/** Columns of a line: those of the terminal, else the usual number. */
const widthOf = ({ columns, isTTY }: NodeJS.WriteStream): number =>
  isTTY ? Math.max(LINE_WIDTH_MIN, columns) : LINE_WIDTH;
const LINE_WIDTH_MIN = 40;

/**
 * In a terminal, lines are broken at spaces; but for commands, which
 * are there to be copied. Elsewhere a sentence is a line.
 */
const broken = (stream: NodeJS.WriteStream, line: string): readonly string[] =>
  !stream.isTTY || line.startsWith('  npx ') ? [line] : wrap(line, widthOf(stream));

const write = (stream: NodeJS.WriteStream, lines: readonly string[], tone?: Tone): void => {
  for (const line of lines) {
    const text = plain(line);
    stream.write(`${tone === undefined || text === '' ? text : styleText(STYLES[tone], text, { stream })}\n`);
  }
};

export const print = (text: string, tone?: Tone): void =>
  write(
    process.stdout,
    text.split('\n').flatMap((line) => broken(process.stdout, line)),
    tone,
  );
export const warn = (text: string, tone?: Tone): void =>
  write(
    process.stderr,
    text.split('\n').flatMap((line) => broken(process.stderr, line)),
    tone,
  );
/** One line, whatever is in it: for a sentence with values from outside, none of which may begin a line of its own. */
export const printLine = (text: string, tone?: Tone): void =>
  write(process.stdout, broken(process.stdout, plainCell(text)), tone);
/** One line that is never broken, also in a terminal: what is there to be copied, such as a body. */
export const printWhole = (text: string): void => write(process.stdout, [plainCell(text)]);
/** Rows in columns, the first row as heading. */
export const printTable = (rows: readonly (readonly Cell[])[]): void => {
  const [head = [], ...others] = layOut(rows, widthOf(process.stdout));
  write(process.stdout, head, 'heading');
  write(process.stdout, others.flat());
};
/** The same without a heading: `name  value`. */
export const printList = (rows: readonly (readonly Cell[])[]): void =>
  write(process.stdout, layOut(rows, widthOf(process.stdout)).flat());

export const jsonOf = (value: unknown): string =>
  plain(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item)));
/**
 * The whole answer of a command with --json: one object on one line. `ok` is false
 * exactly when the exit code is not 0, and then `error` says why unless the object
 * does. Times in it are ISO 8601 in UTC, whatever the time zone of the tables.
 */
export const printJson = <Answer extends { readonly ok: boolean }>(answer: Answer): void =>
  void process.stdout.write(`${jsonOf(answer)}\n`);

/**
 * What every command says when there is nothing to show or to do.
 * `asked`: whether something was asked for, or what it was.
 */
export const noneOf = (noun: string, asked: boolean | string): string =>
  asked === false ? `there are no ${noun}` : `no ${noun} match${asked === true ? '' : ` ${asked}`}`;

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
