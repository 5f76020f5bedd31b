#!/usr/bin/env node
import { CommanderError, Command } from 'commander';
import { addDoctor } from './commands/doctor.ts';
import { addLedger } from './commands/ledger.ts';
import { addMigrate } from './commands/migrate.ts';
import { addParked } from './commands/parked.ts';
import { addPartitions } from './commands/partitions.ts';
import { addSchema } from './commands/schema.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStatus } from './commands/status.ts';
import { addTopics } from './commands/topics.ts';
import { addVerify } from './commands/verify.ts';
import { DEFAULT_DATA_DIR, exitCodes, messageOf, UsageError, warn } from './frame.ts';

const program = new Command('dakia')
  .description('Operate Dakia: Razorpay webhooks in, correct state in Postgres.')
  .option('--data-dir <folder>', 'state folder of npm start, for settings that the environment does not give', DEFAULT_DATA_DIR)
  .showHelpAfterError('(add --help for the options)')
  .exitOverride();

for (const add of [addSimulate, addVerify, addStatus, addParked, addLedger, addTopics, addSchema, addMigrate, addPartitions, addDoctor]) add(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // Commander has already said what is wrong; its own code for --help is 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof UsageError) {
    warn(error.message);
    return exitCodes.usage;
  }
  warn(`dakia: ${messageOf(error)}`);
  return exitCodes.notAsExpected;
}
