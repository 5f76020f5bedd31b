import { join } from 'node:path';
import { opsSettings, processSettings, readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { codeOf } from '#platform/log';
import { repositoryRoot } from './folders.ts';
import type { StateFolder } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import { LOOPBACK } from './ports.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 1_000;
/** Beyond the drain that a service allows itself. */
const STOP_MARGIN_MS = 3_000;
const nodeFlags = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning'];

const isReady = async (port: number): Promise<boolean> => {
  try {
    return (await fetch(`http://${LOOPBACK}:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })).ok;
  } catch {
    return false;
  }
};

/**
 * A program of ours, by its path in the repository, as a process that is ready when its ops port says so. `more`: flags
 * of Node beside the usual ones.
 */
export const defineServiceProcess = (
  name: string,
  program: string,
  opsPort: number,
  environment: Environment,
  folder: StateFolder,
  more: readonly string[] = [],
): Server => {
  const read = readConfig({ ...processSettings, ...opsSettings }, environment);
  if (!read.ok) throw new LaunchFailure(codeOf('start', 'settings'), read.issues.join('\n'));
  return defineServer(
    {
      name,
      kind: 'service',
      command: process.execPath,
      args: [...nodeFlags, ...more, join(repositoryRoot, program)],
      cwd: repositoryRoot,
      env: { ...environment, DAKIA_OPS_PORT: String(opsPort) },
      ready: () => isReady(opsPort),
      readyWithinMs: READY_WITHIN_MS,
      stopSignal: 'SIGTERM',
      stopWithinMs: read.value.drainMs + STOP_MARGIN_MS,
    },
    folder,
  );
};
