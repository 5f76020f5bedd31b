import { CommanderError } from 'commander';
import { exitCodes, messageOf, UsageError, warn } from './frame.ts';
import { createProgram } from './program.ts';

/** Carries out one command line. How it ended is in process.exitCode; what went wrong is on stderr. */
export const run = async (args: readonly string[]): Promise<void> => {
  try {
    await createProgram().parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
};

const exitCodeOf = (error: unknown): number => {
  // Commander has already said what is wrong; its own code for --help is 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof UsageError) {
    warn(error.message);
    return exitCodes.usage;
  }
  warn(
    `dakia: ${settingOf(error)}${messageOf(error)}${isOldDatabase(error) ? '; this release has newer tables, which npx dakia migrate makes' : ''}`,
  );
  return exitCodes.notAsExpected;
};

/** The setting that a server which does not answer was found by. What Postgres says is marked where it is asked (connections.ts). */
const settingOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  if (error.name.startsWith('KafkaJS')) return 'KAFKA_BROKERS: Kafka cannot be used with this setting, or is away: ';
  if (error.message.startsWith('the schema registry')) return 'SCHEMA_REGISTRY_URL: ';
  return error.message.startsWith('Redis is away') ? 'REDIS_URL: ' : '';
};

/** Postgres' codes for a table and a column that do not exist. */
const MISSING = ['42P01', '42703'];
const isOldDatabase = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && MISSING.includes(String(error.code));
