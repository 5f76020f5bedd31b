#!/usr/bin/env node
import { CommanderError } from 'commander';
import { exitCodes, messageOf, UsageError, warn } from './frame.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync();
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
