import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { codeOf } from '#platform/log';
import { LaunchFailure } from './launch-failure.ts';

/** A port that is about to be listened on, and the setting by which a person changes it. */
export interface PortNeed {
  readonly port: number;
  readonly usedBy: string;
  readonly setting: string;
  readonly host?: string;
}

export const LOOPBACK = '127.0.0.1';

export const isFree = (port: number, host: string = LOOPBACK): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });

const CONNECT_MS = 1_000;

/** Whether something accepts TCP connections there. */
export const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

export const describeClash = ({ port, usedBy, setting }: PortNeed): string =>
  `Port ${port}, which ${usedBy} needs, is in use. Stop what uses it, or set ${setting} to another port.`;

/** Throws one failure that names every port in use; called before anything is started. */
export const requireFree = async (needs: readonly PortNeed[]): Promise<void> => {
  const clashes: string[] = [];
  for (const [index, need] of needs.entries()) {
    const twice = needs.slice(0, index).find(({ port }) => port === need.port && port !== 0);
    if (twice !== undefined)
      clashes.push(
        `${twice.usedBy} (${twice.setting}) and ${need.usedBy} (${need.setting}) are both set to port ` +
          `${need.port}. Give each its own.`,
      );
    else if (!(await isFree(need.port, need.host))) clashes.push(describeClash(need));
  }
  if (clashes.length > 0) throw new LaunchFailure(codeOf('start', 'port'), clashes.join('\n'));
};

// Below the range from which Linux and macOS take the local ports of outgoing connections, so that none is lost between
// the look and the server's own listen; drawn at random, so that two launchers at once rarely draw the same.
const LOWEST = 20_000;
const HIGHEST = 32_000;
const DRAWS = 200;

/** What this process has drawn: nobody may listen on it yet. */
const drawn = new Set<number>();

/** A port that nothing listens on, and that this process was not given before. */
export const freePort = async (): Promise<number> => {
  for (let draw = 0; draw < DRAWS; draw += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (drawn.has(port)) continue;
    drawn.add(port);
    if (await isFree(port)) return port;
  }
  throw new LaunchFailure(
    codeOf('start', 'port'),
    `No free port from ${LOWEST} to ${HIGHEST} was found in ${DRAWS} draws.`,
  );
};

/** The port as set, or a free one where 0 stands for that. */
export const portOrFree = async (port: number): Promise<number> => (port === 0 ? freePort() : port);
