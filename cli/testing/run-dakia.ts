import { spawn } from 'node:child_process';
import { join } from 'node:path';

const DAKIA = join(import.meta.dirname, '..', 'dakia.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `npx dakia` with these arguments, and these settings alone. */
export const runDakia = (settings: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [DAKIA, ...args], { env: { PATH: process.env['PATH'], ...settings } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
