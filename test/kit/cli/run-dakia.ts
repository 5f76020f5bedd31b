import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileCacheFolder } from '../../../cli/compile-cache.cjs';
import type { CommandLine, Ended } from './command-loop.ts';

export interface Dakia {
  /** `npx dakia` with these arguments; those of one process wait for each other. */
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  /** The same with --json; what it prints. */
  readonly json: (...args: readonly string[]) => Promise<Record<string, unknown>>;
  readonly close: () => Promise<void>;
}

interface Loop {
  readonly run: (line: CommandLine) => Promise<Ended>;
  readonly close: () => Promise<void>;
}

const startLoop = (): Loop => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'command-loop.ts')], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCacheFolder() },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let last: Promise<unknown> = Promise.resolve();
  const one = async (line: CommandLine): Promise<Ended> => {
    child.stdin.write(`${JSON.stringify(line)}\n`);
    const answer = await answers.next();
    if (answer.done === true) throw new Error(`the process that runs dakia ended at ${line.args.join(' ')}`);
    return JSON.parse(answer.value) as Ended;
  };
  return {
    run: (line) => {
      const next = last.then(() => one(line));
      last = next.catch(() => undefined);
      return next;
    },
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
};

/** One for the test file that loads this, because starting one takes longer than most commands. */
let shared: { readonly loop: Loop; users: number } | undefined;
const share = (): Loop => {
  shared ??= { loop: startLoop(), users: 0 };
  const mine = shared;
  mine.users += 1;
  return {
    run: mine.loop.run,
    close: async () => {
      mine.users -= 1;
      if (mine.users > 0) return;
      if (shared === mine) shared = undefined;
      await mine.loop.close();
    },
  };
};

/**
 * Runs commands with these settings alone (command-loop.ts), in one process for the whole
 * test file; in one of its own those that are to run beside others.
 */
export const openDakia = (settings: Readonly<Record<string, string>>, where: 'shared' | 'own' = 'shared'): Dakia => {
  const loop = where === 'own' ? startLoop() : share();
  const run: Dakia['run'] = (...args) => loop.run({ args, settings });
  return {
    run,
    json: async (...args) => JSON.parse((await run(...args, '--json')).stdout) as Record<string, unknown>,
    close: loop.close,
  };
};
