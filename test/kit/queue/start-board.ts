import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { ROOT } from '../root.ts';
import type { QueueFixture } from './queue-fixture.ts';

export interface Board {
  readonly port: number;
  /** What its process wrote to stderr. */
  readonly said: () => string;
  readonly stop: () => Promise<void>;
}

/** The page of a queue on a free port, in a process of its own (serve-board.ts). */
export const startBoard = async (fixture: QueueFixture, settings: Readonly<Record<string, string>>): Promise<Board> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve-board.ts'), fixture.queueName], {
    cwd: ROOT,
    env: {
      ...process.env,
      REDIS_URL: fixture.config.redisUrl(),
      DAKIA_QUEUE_PREFIX: fixture.config.queuePrefix,
      ...settings,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [out, said] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const port = Number(await eventually('it says its port', () => /^(\d+)\n/.exec(out)?.[1]));
  return {
    port,
    said: () => said,
    stop: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
};
