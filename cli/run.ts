import { CommanderError } from 'commander';
import { codeOf } from '#platform/log';
import type { Code } from '#platform/log';
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
  const { said = '', then = '', code } = serverTroubleOf(error) ?? {};
  warn(`dakia: ${said}${messageOf(error)}${then}${code === undefined ? '' : ` (${code})`}`);
  return exitCodes.notAsExpected;
};

/** A server that does not do what a command needs: what is said before and after its error, and the code (docs/failures.md). */
interface ServerTrouble {
  readonly said?: string;
  readonly then?: string;
  readonly code: Code;
}

/** Names the setting that the server was found by. What Postgres says is marked where it is asked (connections.ts). */
const serverTroubleOf = (error: unknown): ServerTrouble | undefined => {
  if (!(error instanceof Error)) return undefined;
  if (error.name.startsWith('KafkaJS'))
    return {
      said: 'KAFKA_BROKERS: Kafka cannot be used with this setting, or is away: ',
      code: codeOf('cli', 'kafka'),
    };
  if (error.message.startsWith('the schema registry'))
    return { said: 'SCHEMA_REGISTRY_URL: ', code: codeOf('cli', 'registry') };
  if (error.message.startsWith('Redis is away')) return { said: 'REDIS_URL: ', code: codeOf('cli', 'redis') };
  if (error.message.startsWith('DATABASE_URL: ')) return { code: codeOf('cli', 'postgres') };
  return isOldDatabase(error)
    ? { then: '; this release has newer tables, which npx dakia migrate makes', code: codeOf('cli', 'old-database') }
    : undefined;
};

/** Postgres' codes for a table and a column that do not exist. */
const MISSING = ['42P01', '42703'];
const isOldDatabase = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && MISSING.includes(String(error.code));
