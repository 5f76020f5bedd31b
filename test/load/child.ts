import { fork } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a measured process has used so far, as it sees itself. */
export interface Usage {
  /** CPU of all its threads, in µs. */
  readonly cpuMicros: number;
  /** Time since its start and how long of it its event loop was busy, in ms. */
  readonly loopMs: number;
  readonly busyMs: number;
}

export interface Child {
  /** Asks the program for one of the things that it answers (`answerParent`). Rejects when it fails or ends. */
  readonly ask: <Answer>(question: string, argument?: unknown) => Promise<Answer>;
  readonly usage: () => Promise<Usage>;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export type Reply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };

const STOP_WITHIN_MS = 30_000;
const TAIL_LINES = 20;

const running = new Set<Child>();

/** Stops every program that still runs: after a failure, before the servers under them are stopped. */
export const stopChildren = async (): Promise<void> =>
  void (await Promise.all([...running].map((child) => child.stop())));

/**
 * Starts a program of this folder as a process of its own, so that its CPU and its event loop can
 * be told from ours. It runs with the flags of this process: `node --cpu-prof test/load/bench.ts`
 * writes a profile of each. `folder` is that of another commit (other-tree.ts).
 */
export const startChild = (
  program: string,
  logs: string,
  environment: Readonly<Record<string, string | undefined>>,
  folder = import.meta.dirname,
): Child => {
  const logFile = join(logs, `bench-${program.replaceAll('/', '-')}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const child = fork(join(folder, `${program}.ts`), [], {
    execPath: process.execPath,
    env: environment,
    stdio: ['ignore', log, log, 'ipc'],
    serialization: 'advanced',
  });
  closeSync(log);
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let next = 0;
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      isOver = true;
      const tail = existsSync(logFile)
        ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
        : '';
      for (const { reject } of waiting.values())
        reject(
          new Error(`${program} ended (${signal ?? code ?? 0}) before it answered. Last lines of ${logFile}:\n${tail}`),
        );
      resolve();
    });
  });
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) asked?.reject(new Error(`${program}: ${reply.error}`));
    else asked?.resolve(reply.answer);
  });

  const ask = <Answer>(question: string, argument?: unknown): Promise<Answer> => {
    if (isOver) return Promise.reject(new Error(`${program} has ended; its log is ${logFile}`));
    const id = next++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.set(id, { resolve, reject });
    child.send({ id, question, argument });
    return promise as Promise<Answer>;
  };
  const started: Child = {
    ask,
    usage: () => ask<Usage>('usage'),
    pid: child.pid ?? 0,
    stop: async () => {
      if (!isOver) child.send({ id: next++, question: 'stop' });
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await ended;
      clearTimeout(killer);
      running.delete(started);
    },
  };
  running.add(started);
  return started;
};
