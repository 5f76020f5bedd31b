import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** Numbers of Kafka's protocol guide, "Api Keys". */
export const PRODUCE = 0;
const METADATA = 3;

/** Stands between a client and one broker, and breaks what a test asks it to. */
export interface KafkaProxy {
  readonly address: string;
  /** Requests of one kind that the broker has received so far. */
  readonly requests: (apiKey: number) => number;
  /** Swallows the next `count` responses of one kind: the broker has done the work, the client never hears of it. */
  readonly loseResponses: (apiKey: number, count: number) => void;
  /** Nothing passes in either direction, and nothing is closed, until it is thawed: a frozen broker. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** From now on the open connections lead nowhere and nobody is told: a firewall that forgot them overnight. */
  readonly severSilently: () => void;
  /** Closes the open connections. */
  readonly sever: () => void;
  /** Refuses connections from now on and closes the open ones; `address` stays the same. */
  readonly goAway: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly broker: Socket;
  /** Kind of request by correlation id, until its response has passed. */
  readonly asked: Map<number, number>;
  isSevered: boolean;
}

/** Splits a stream of Kafka messages, each an int32 of its size and so many bytes. */
const framed = (take: (frame: Buffer) => void): ((chunk: Buffer) => void) => {
  let held = Buffer.alloc(0);
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
      const end = 4 + held.readInt32BE(0);
      take(held.subarray(0, end));
      held = held.subarray(end);
    }
  };
};

/**
 * `broker`: host:port as the broker advertises it. Its address in
 * metadata is replaced by the proxy's, so that the client stays here.
 */
export const startKafkaProxy = async (broker: string): Promise<KafkaProxy> => {
  const [host = '', port = ''] = broker.split(':');
  const links = new Set<Link>();
  const received = new Map<number, number>();
  const toLose = new Map<number, number>();
  let isFrozen = false;
  let held: (() => void)[] = [];

  /** Runs `pass` now, or when the proxy is thawed; never on a severed link. */
  const passing = (link: Link, pass: () => void): void => {
    if (link.isSevered) return;
    if (isFrozen) held.push(() => passing(link, pass));
    else pass();
  };

  const advertised = (frame: Buffer, ours: number): Buffer => {
    const theirs = Buffer.concat([Buffer.from([0, host.length]), Buffer.from(host), int32(Number(port))]);
    const copy = Buffer.from(frame);
    for (let at = copy.indexOf(theirs); at !== -1; at = copy.indexOf(theirs, at + 1))
      copy.writeInt32BE(ours, at + theirs.length - 4);
    return copy;
  };

  const server = net.createServer((client) => {
    const link: Link = {
      client,
      broker: net.connect({ host, port: Number(port) }),
      asked: new Map(),
      isSevered: false,
    };
    links.add(link);
    const end = (): void => {
      links.delete(link);
      if (!link.isSevered) client.destroy();
      link.broker.destroy();
    };
    client.on('error', end).on('close', end);
    link.broker.on('error', end).on('close', end);
    client.on(
      'data',
      framed((frame) =>
        passing(link, () => {
          const apiKey = frame.readInt16BE(4);
          received.set(apiKey, (received.get(apiKey) ?? 0) + 1);
          link.asked.set(frame.readInt32BE(8), apiKey);
          link.broker.write(frame);
        }),
      ),
    );
    link.broker.on(
      'data',
      framed((frame) => {
        const correlationId = frame.readInt32BE(4);
        const apiKey = link.asked.get(correlationId) ?? -1;
        link.asked.delete(correlationId);
        const losses = toLose.get(apiKey) ?? 0;
        if (losses > 0) toLose.set(apiKey, losses - 1);
        else passing(link, () => client.write(apiKey === METADATA ? advertised(frame, ourPort) : frame));
      }),
    );
  });
  const listen = (at: number): Promise<void> =>
    new Promise((resolve) => server.listen({ host: '127.0.0.1', port: at }, resolve));
  const sever = (): void => links.forEach(({ client }) => client.destroy());
  await listen(0);
  const ourPort = (server.address() as AddressInfo).port;
  const stopListening = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      sever();
    });

  return {
    address: `127.0.0.1:${ourPort}`,
    requests: (apiKey) => received.get(apiKey) ?? 0,
    loseResponses: (apiKey, count) => void toLose.set(apiKey, count),
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
      const waiting = held;
      held = [];
      for (const pass of waiting) pass();
    },
    severSilently: () => links.forEach((link) => (link.isSevered = true)),
    sever,
    goAway: stopListening,
    comeBack: () => listen(ourPort),
    close: stopListening,
  };
};

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
