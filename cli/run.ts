import { CommanderError } from 'commander';
import { codeOf } from '#platform/log';
import { exitCodes, messageOf, printJson, ServerError, serverErrorOf, UsageError, warn } from './output.ts';
import { createProgram } from './program.ts';

/**
 * Carries out one command line. How it ended is in process.exitCode;
 * what went wrong is on stderr, and with --json on stdout too.
 */
export const run = async (args: readonly string[]): Promise<void> => {
  try {
    await (await createProgram(args)).parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = await end(error, args.includes('--json'));
  }
};

/** Says why a command could not be carried out to its end, and answers the exit code. */
const end = async (given: unknown, json: boolean): Promise<number> => {
  // Commander has already said what is wrong; its own code for --help is 0.
  if (given instanceof CommanderError && given.exitCode === 0) return exitCodes.ok;
  const error = serverErrorOf(given);
  const isUse = error instanceof CommanderError || error instanceof UsageError;
  const said = `${messageOf(error)}${await whatToDo(error)}`;
  if (!(error instanceof CommanderError)) warn(isUse ? said : `dakia: ${said}`, 'bad');
  const found = error instanceof ServerError && { setting: error.setting, ...error.known };
  if (json) printJson({ ok: false, error: said, ...found });
  return isUse ? exitCodes.usage : exitCodes.notAsExpected;
};

const whatToDo = async (error: unknown): Promise<string> => {
  if (isOldDatabase(error))
    return `; this release has newer tables, which npx dakia migrate makes (${codeOf('cli', 'old-database')})`;
  if (!isRoleRefused(error)) return '';
  // Loaded only here: it brings Postgres' client.
  const { OPERATOR_ROLE } = await import('#platform/postgres');
  if (!error.message.includes(`"${OPERATOR_ROLE}"`)) return '';
  return `; this command needs a login that is a member of ${OPERATOR_ROLE}. Who may only read asks the views of the schema masked with SQL (docs/personal-data.md)`;
};

/** A login that may not act as a role: Postgres refuses it when the connection is opened. */
const isRoleRefused = (error: unknown): error is Error =>
  error instanceof Error && error.message.includes('permission denied to set role');

/** Postgres' codes for a table and a column that do not exist. */
const MISSING = ['42P01', '42703'];
const isOldDatabase = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && MISSING.includes(String(error.code));
