import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** Stands between one process and Postgres, and keeps back what the process sends while a test asks it to. */
export interface PostgresProxy {
  /** The database's URL by way of this proxy. */
  readonly url: string;
  /** Keeps back everything from now on. */
  readonly hold: () => void;
  /**
   * Keeps back from the first write on that has this text in it:
   * nothing of what that write begins has reached Postgres then.
   */
  readonly holdFrom: (text: string) => void;
  /** Whether something is kept back. */
  readonly holds: () => boolean;
  /** Passes on what was kept back, in order. */
  readonly release: () => void;
  /**
   * Passes everything that the process sends on so many ms later: a disk that is slow, or a server that is throttled.
   */
  readonly slow: (ms: number) => void;
  /** Ends every connection and lets none in: for the process Postgres is gone. */
  readonly cut: () => void;
  readonly mend: () => void;
  readonly close: () => void;
}

export const startPostgresProxy = async (databaseUrl: string): Promise<PostgresProxy> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const kept: { readonly to: Socket; readonly bytes: Buffer }[] = [];
  let holding = false;
  let awaited: string | undefined;
  let isCut = false;
  let delayMs = 0;

  const server = net.createServer((client) => {
    if (isCut) return void client.on('error', () => undefined).destroy();
    const postgres = net.connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, postgres],
      [postgres, client],
    ] as const) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    postgres.pipe(client);
    let lastDue = 0;
    const pass = (bytes: Buffer): void => {
      const now = performance.now();
      lastDue = Math.max(lastDue, now + delayMs);
      // Each later than the one before it, also when the delay has just become shorter.
      if (lastDue <= now) postgres.write(bytes);
      else setTimeout(() => postgres.writable && postgres.write(bytes), lastDue - now);
    };
    client.on('data', (bytes: Buffer) => {
      if (awaited !== undefined && bytes.includes(awaited)) holding = true;
      if (holding) kept.push({ to: postgres, bytes });
      else pass(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);

  return {
    url: url.href,
    hold: () => (holding = true),
    holdFrom: (text) => (awaited = text),
    holds: () => kept.length > 0,
    release: () => {
      holding = false;
      awaited = undefined;
      for (const { to, bytes } of kept.splice(0)) if (!to.destroyed) to.write(bytes);
    },
    slow: (ms) => void (delayMs = ms),
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => void (isCut = false),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
