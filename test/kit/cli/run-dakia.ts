import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileCacheFolder } from '../../../cli/compile-cache.cjs';
import type { Ended } from './command-loop.ts';

export interface Dakia {
  /** `npx dakia` with these arguments; one at a time. */
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  /** The same with --json; what it prints. */
  readonly json: (...args: readonly string[]) => Promise<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

/** Runs commands with these settings alone, all in one process (command-loop.ts). */
export const openDakia = (settings: Readonly<Record<string, string>>): Dakia => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'command-loop.ts')], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCacheFolder(), ...settings },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const run: Dakia['run'] = async (...args) => {
    child.stdin.write(`${JSON.stringify(args)}\n`);
    const answer = await answers.next();
    if (answer.done === true) throw new Error(`the process that runs dakia ended at ${args.join(' ')}`);
    return JSON.parse(answer.value) as Ended;
  };
  return {
    run,
    json: async (...args) => JSON.parse((await run(...args, '--json')).stdout) as Record<string, unknown>,
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
};
