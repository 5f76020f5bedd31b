import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { makeFolder } from './folders.ts';
import type { OnePortLaunchOptions } from './launch-options.ts';
import { LOOPBACK, portOrFree } from './ports.ts';
import { writePrivate } from './private-files.ts';
import type { TlsFiles } from './private-files.ts';
import { secondsSince } from './progress.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

export interface RedisOptions extends OnePortLaunchOptions {
  readonly password?: string;
  /** Serves TLS only, with this certificate. */
  readonly tls?: TlsFiles;
}

export interface Redis {
  readonly server: Server;
  readonly url: string;
}

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 1_000;

/**
 * One Redis on loopback that keeps what it is given (append-only file) and never evicts: it holds jobs, not a cache.
 */
export const startRedis = async ({
  files,
  folder,
  port: wanted,
  report,
  name = 'redis',
  password,
  tls,
  onDefined,
}: RedisOptions): Promise<Redis> => {
  const started = performance.now();
  const port = await portOrFree(wanted);
  const data = makeFolder(join(folder.data, name));
  const config = [
    `bind ${LOOPBACK}`,
    ...(tls === undefined
      ? [`port ${port}`]
      : [
          'port 0',
          `tls-port ${port}`,
          `tls-cert-file "${tls.certFile}"`,
          `tls-key-file "${tls.keyFile}"`,
          'tls-auth-clients no',
        ]),
    `dir "${data}"`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    ...(password === undefined ? [] : [`requirepass ${password}`]),
  ];
  const configFile = join(folder.data, `${name}.conf`);
  // A file and not arguments: every user of the machine can read a command line.
  writePrivate(configFile, `${config.join('\n')}\n`);
  const server = defineServer(
    {
      name,
      kind: 'server',
      command: files.redis,
      args: [configFile],
      ready: () => redisAnswers(port, tls !== undefined),
      readyWithinMs: READY_WITHIN_MS,
      stopSignal: 'SIGTERM',
      stopWithinMs: STOP_WITHIN_MS,
    },
    folder,
  );
  onDefined?.(server);
  await server.start();
  report(name, `ready on ${LOOPBACK}:${port} (${secondsSince(started)})`);
  return { server, url: redisUrl(port, password, tls === undefined ? 'redis' : 'rediss') };
};

export const redisUrl = (port: number, password?: string, scheme: 'redis' | 'rediss' = 'redis'): string =>
  `${scheme}://${password === undefined ? '' : `:${password}@`}${LOOPBACK}:${port}`;

/**
 * Ready when PING is answered by PONG or by the question for a
 * password; while the data is being read the answer is -LOADING.
 */
export const redisAnswers = (port: number, tls: boolean): Promise<boolean> =>
  new Promise((resolve) => {
    // Only whether it answers matters here, on loopback; who it is is checked by the clients.
    const socket = tls
      ? connectTls({ host: LOOPBACK, port, rejectUnauthorized: false })
      : connectPlain({ host: LOOPBACK, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write('PING\r\n'));
    socket.once('data', (reply: Buffer) => end(/^(\+PONG|-NOAUTH)/.test(reply.toString('latin1'))));
  });
