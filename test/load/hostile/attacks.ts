import net from 'node:net';

/** Where an attack goes. */
export interface Target {
  readonly webhookPort: number;
  readonly opsPort: number;
}

/**
 * What senders without the secret did to a receiver that had no
 * bounds (issue "hostile senders"); each begins, and ends when asked.
 */
export type Attack = (target: Target) => { readonly stop: () => void };

const TICK_MS = 10;
/** A closed connection is opened again after this: an attack has a bandwidth, too. */
const OPENED_AGAIN_AFTER_MS = 500;
/** What one connection sends of tiny chunks: 2 MB/s is 16 Mbit/s on the wire. */
const CRUMB_BYTES_PER_SECOND = 2_000_000;
const STALLED_CONNECTIONS = 64;
const HEADER_CONNECTIONS = 5_200;
const PIPELINED_CONNECTIONS = 32;
const PIPELINED_BYTES_PER_SECOND = 375_000;
const SCRAPERS = 16;
const LONGEST_BODY = 1024 * 1024;
const SIGNATURE = `X-Razorpay-Signature: ${'0'.repeat(64)}`;

const head = (path: string, ...lines: readonly string[]): string =>
  `${[`POST ${path} HTTP/1.1`, 'Host: dakia.example', 'Content-Type: application/json', ...lines].join('\r\n')}\r\n\r\n`;

/** A connection that is opened again whenever it is closed: an attacker does not give up. */
const attacker = (
  port: number,
  begin: (socket: net.Socket) => void,
): { readonly stop: () => void; readonly socket: () => net.Socket } => {
  let isOver = false;
  const open = (): net.Socket => {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    socket.on('error', () => undefined);
    socket.on('connect', () => begin(socket));
    // Answers are read and thrown away.
    socket.resume();
    socket.on('close', () => {
      if (!isOver) setTimeout(() => !isOver && (current = open()), OPENED_AGAIN_AFTER_MS);
    });
    return socket;
  };
  let current = open();
  return {
    socket: () => current,
    stop: () => {
      isOver = true;
      current.destroy();
    },
  };
};

/**
 * Writes `piece` to every connection again and again, so many bytes a
 * second in all, never more than one unsent piece each.
 */
const stream = (
  port: number,
  connections: number,
  bytesPerSecond: number,
  piece: Buffer,
  begin: (socket: net.Socket) => void,
): { readonly stop: () => void } => {
  const attackers = Array.from({ length: connections }, () => attacker(port, begin));
  let [sent, next] = [0, 0];
  const since = performance.now();
  const timer = setInterval(() => {
    const allowed = ((performance.now() - since) / 1000) * bytesPerSecond;
    for (let tries = 0; sent < allowed && tries < 10 * connections; tries += 1) {
      const socket = attackers[next++ % connections]?.socket();
      if (socket?.readyState !== 'open' || socket.writableNeedDrain) continue;
      socket.write(piece);
      sent += piece.length;
    }
  }, TICK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      for (const one of attackers) one.stop();
    },
  };
};

/** So many chunks of one byte in one write. */
const CRUMBS = Buffer.from('1\r\n{\r\n'.repeat(2_000));

const crumbs =
  (connections: number, path: string, ...headers: readonly string[]): Attack =>
  ({ webhookPort }) =>
    stream(webhookPort, connections, connections * CRUMB_BYTES_PER_SECOND, CRUMBS, (socket) =>
      socket.write(head(path, 'Transfer-Encoding: chunked', ...headers)),
    );

/** Each body in one write with its head: what the first read of a connection brings is parsed in one go. */
const crumbsAtOnce =
  (connections: number): Attack =>
  ({ webhookPort }) =>
    stream(webhookPort, connections, connections * CRUMB_BYTES_PER_SECOND, CRUMBS, (socket) =>
      socket.write(head('/webhooks/razorpay', SIGNATURE, 'Transfer-Encoding: chunked') + '1\r\n{\r\n'.repeat(10_000)),
    );

const held =
  (connections: number, begin: (socket: net.Socket) => void): Attack =>
  ({ webhookPort }) => {
    const attackers = Array.from({ length: connections }, () => attacker(webhookPort, begin));
    return { stop: () => attackers.forEach((one) => one.stop()) };
  };

const TINY = head('/webhooks/razorpay', SIGNATURE, 'Content-Length: 2').concat('{}');

export const attacks = {
  'a body in chunks of 1 byte': crumbs(1, '/webhooks/razorpay', SIGNATURE),
  'the same over 4 connections': crumbs(4, '/webhooks/razorpay', SIGNATURE),
  'the same at once with its head': crumbsAtOnce(1),
  'the same to an unknown path': crumbs(1, '/nowhere'),
  '64 that stop one byte short of 1 MiB': held(STALLED_CONNECTIONS, (socket) => {
    socket.write(head('/webhooks/razorpay', SIGNATURE, `Content-Length: ${LONGEST_BODY}`));
    socket.write(Buffer.alloc(LONGEST_BODY - 1, 32));
  }),
  '5,200 that send headers only': held(HEADER_CONNECTIONS, (socket) => {
    socket.write(head('/webhooks/razorpay', SIGNATURE, 'Content-Length: 1000'));
  }),
  'pipelined tiny requests': ({ webhookPort }) =>
    stream(
      webhookPort,
      PIPELINED_CONNECTIONS,
      PIPELINED_BYTES_PER_SECOND,
      Buffer.from(TINY.repeat(20)),
      () => undefined,
    ),
  '16 scrapers of /metrics': ({ opsPort }) => {
    const request = 'GET /metrics HTTP/1.1\r\nHost: dakia.example\r\n\r\n';
    const scrapers = Array.from({ length: SCRAPERS }, () =>
      attacker(opsPort, (socket) => {
        socket.write(request);
        // The end of an answer in chunks asks for the next one.
        socket.on('data', (bytes: Buffer) =>
          bytes.includes('\r\n0\r\n\r\n') || bytes.length < 65_536 ? socket.write(request) : undefined,
        );
      }),
    );
    return { stop: () => scrapers.forEach((one) => one.stop()) };
  },
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackName = keyof typeof attacks;
/** Those that only hold places: the bar is that every genuine delivery is answered 200, not how fast. */
export const HOLDING: readonly AttackName[] = ['64 that stop one byte short of 1 MiB', '5,200 that send headers only'];
/** Those that made the process grow: the bar is 50 MB beyond what it had undisturbed. */
export const GROWING: readonly AttackName[] = [
  'a body in chunks of 1 byte',
  'the same over 4 connections',
  'the same at once with its head',
  'the same to an unknown path',
];
export const attackNames = Object.keys(attacks) as readonly AttackName[];
