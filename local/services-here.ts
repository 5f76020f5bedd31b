import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '#platform/config';
import { codeOf } from '#platform/log';
import { startServices } from '#platform/service';
import type { Service } from '#platform/service';
import type { StateFolder } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import type { Work } from './launch.ts';
import { lastLines } from './server-process.ts';

const NAME = 'dakia';
const LOG_MODE = 0o600;

/** All services in this process, with one ops port and one log. */
export const startServicesHere = async (
  services: readonly Service[],
  environment: Environment,
  { logs }: StateFolder,
): Promise<Work> => {
  const logFile = join(logs, `${NAME}.log`);
  const log = openSync(logFile, 'a', LOG_MODE);
  const tail = () => `Last lines of ${logFile}:\n${lastLines(logFile)}`;
  const started = await startServices(NAME, services, environment, {
    write: (line) => void writeSync(log, line),
  }).catch((error: unknown) => {
    throw new LaunchFailure(
      codeOf('start', 'services'),
      `The services did not start: ${error instanceof Error ? error.message : String(error)}. ${tail()}`,
    );
  });
  if (!started.ok)
    throw new LaunchFailure(
      codeOf('start', 'settings'),
      `The services cannot start with these settings:\n${started.issues.map((issue) => `  ${issue}`).join('\n')}`,
    );
  const { failed, stop } = started.value;
  return {
    failed: failed.then((error) => `A service cannot go on: ${error.message}. ${tail()}`),
    stop,
    // They end with this process.
    kill: async () => undefined,
  };
};
