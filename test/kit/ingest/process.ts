import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { ROOT } from '../root.ts';

/** The ingest service as a process of its own. */
export interface IngestProcess {
  readonly port: number;
  readonly opsPort: number;
  /** All that it has written so far. */
  readonly output: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** The exit code; null after a signal. */
  readonly exited: Promise<number | null>;
}

const MAIN = join(ROOT, 'services', 'ingest', 'main.ts');
const START_LIMIT_MS = 20_000;

export const runIngest = (
  environment: Readonly<Record<string, string>>,
): {
  readonly output: () => string;
  readonly exited: Promise<number | null>;
  readonly kill: (signal: NodeJS.Signals) => void;
} => {
  const child = spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { output: () => output, exited, kill: (signal) => void child.kill(signal) };
};

/** Starts it on free ports and returns when it receives webhooks. */
export const startIngest = async (environment: Readonly<Record<string, string>>): Promise<IngestProcess> => {
  const child = runIngest({
    DAKIA_WEBHOOK_HOST: '127.0.0.1',
    DAKIA_WEBHOOK_PORT: '0',
    DAKIA_OPS_HOST: '127.0.0.1',
    DAKIA_OPS_PORT: '0',
    DAKIA_DRAIN_DELAY_MS: '0',
    ...environment,
  });
  const found = (pattern: RegExp): number | undefined =>
    pattern.test(child.output()) ? Number(pattern.exec(child.output())?.[1]) : undefined;
  try {
    const opsPort = await eventually('ingest ready', () => found(/"opsPort":(\d+)/), START_LIMIT_MS);
    const port = await eventually('its port', () => found(/"port":(\d+),"msg":"webhooks are received"/));
    return { ...child, port, opsPort };
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`ingest did not start: ${child.output()}`, { cause: error });
  }
};
