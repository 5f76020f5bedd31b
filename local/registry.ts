import { join } from 'node:path';
import { makeFolder } from './folders.ts';
import { javaCommand, javaFlags } from './java.ts';
import type { OnePortLaunchOptions } from './launch-options.ts';
import { LOOPBACK, portOrFree } from './ports.ts';
import { secondsSince } from './progress.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

export interface Registry {
  readonly server: Server;
  readonly url: string;
}

const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 2_000;
const HEAP = '256m';

/** Confluent's API on an Apicurio Registry. */
export const registryUrl = (port: number): string => `http://${LOOPBACK}:${port}/apis/ccompat/v7`;

export const registryAnswers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })).ok;
  } catch {
    return false;
  }
};

/** One Apicurio Registry on loopback that keeps subjects, ids and versions in a file. */
export const startRegistry = async ({
  files,
  folder,
  port: wanted,
  report,
  name = 'registry',
  onDefined,
}: OnePortLaunchOptions): Promise<Registry> => {
  const started = performance.now();
  const port = await portOrFree(wanted);
  const url = registryUrl(port);
  const data = makeFolder(join(folder.data, name));
  const server = defineServer(
    {
      name,
      kind: 'server',
      command: javaCommand(),
      args: [
        ...javaFlags(HEAP),
        `-Dquarkus.http.host=${LOOPBACK}`,
        `-Dquarkus.http.port=${port}`,
        '-jar',
        files.registryJar,
      ],
      // It writes nothing there, but some of its libraries look for configuration in the current folder.
      cwd: data,
      // Without this it keeps everything in memory.
      env: { REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(data, 'registry_db')}` },
      ready: () => registryAnswers(url),
      readyWithinMs: READY_WITHIN_MS,
      stopSignal: 'SIGTERM',
      stopWithinMs: STOP_WITHIN_MS,
    },
    folder,
  );
  onDefined?.(server);
  await server.start();
  report(name, `ready on ${LOOPBACK}:${port} (${secondsSince(started)})`);
  return { server, url };
};
