import net from 'node:net';
import tls from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

/** How long a broker that did not answer is refused, in ms: kafkajs then asks another one for metadata at once. */
const COOL_DOWN_MS = 1_500;
/** A socket that has received nothing for this long, in ms, is closed together with one that turned out to be dead. */
const SUSPECT_AFTER_MS = 30_000;
/**
 * TCP keep-alive probes start after this idle time, in ms; a connection that died overnight is found without traffic.
 */
const KEEP_ALIVE_DELAY_MS = 30_000;

/** Sockets of one kafkajs client that can be closed from outside. */
export interface KillableSockets {
  readonly socketFactory: ISocketFactory;
  /** Closes every socket to `host:port`; while there are others to go to, new ones are refused for a moment. */
  readonly kill: (broker: string) => void;
  /** Ends every socket as if its broker had: whatever still waits for an answer is not waited for. */
  readonly endAll: () => void;
  /**
   * Closes every socket and opens none any more, so that whatever the client still tries fails at once: the last step
   * of a stop whose deadline has passed.
   */
  readonly killAll: () => void;
}

const socketError = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** `end` is what kafkajs hears; it does not hear a bare `close`, and takes an error for a failure that it logs. */
const endQuietly = (socket: net.Socket): void => {
  socket.emit('end');
  socket.destroy();
};

/**
 * After a request timeout kafkajs keeps the socket and asks the same silent broker for metadata, inside nested retries
 * and a lock (tulios/kafkajs#1783): with a frozen leader nothing settles until it wakes up. Closing the sockets of a
 * broker whose request timed out makes it go elsewhere. Sockets are destroyed with an error because kafkajs does not
 * hear a bare `close`. After an idle night all connections may be dead at once, and finding that out one by one would
 * take too long: those that have been silent for long are closed with the first.
 */
export const createKillableSockets = (connectTimeoutMs: number, secure?: () => SecureContext): KillableSockets => {
  const open = new Map<string, Set<net.Socket>>();
  const heardAt = new WeakMap<net.Socket, number>();
  const refusedUntil = new Map<string, number>();
  let isOver = false;

  const isRefused = (broker: string): boolean => {
    if (isOver) return true;
    const until = refusedUntil.get(broker);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    refusedUntil.delete(broker);
    return false;
  };

  const remember = (broker: string, socket: net.Socket): void => {
    const sockets = open.get(broker) ?? new Set();
    open.set(broker, sockets.add(socket));
    heardAt.set(socket, performance.now());
    socket.on('data', () => heardAt.set(socket, performance.now()));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && open.get(broker) === sockets) open.delete(broker);
    });
  };

  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const broker = `${host}:${port}`;
    if (isRefused(broker)) {
      const refused = new net.Socket();
      process.nextTick(() => refused.destroy(socketError(`${broker} did not answer a moment ago`, 'ECONNREFUSED')));
      return refused;
    }
    const secureContext = secure?.();
    // kafkajs only stops waiting for a connect that takes too long;
    // the socket itself would live on until the system gives up.
    const tooLong = setTimeout(
      () => socket.destroy(socketError(`no connection to ${broker} within ${connectTimeoutMs} ms`, 'ETIMEDOUT')),
      connectTimeoutMs,
    );
    const connected = (): void => {
      clearTimeout(tooLong);
      onConnect();
    };
    const socket =
      secureContext === undefined
        ? net.connect({ host, port }, connected)
        : tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), secureContext }, connected);
    socket.once('close', () => clearTimeout(tooLong));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    remember(broker, socket);
    return socket;
  };

  const close = (broker: string, heardBefore = Infinity): void => {
    for (const socket of open.get(broker) ?? []) {
      if ((heardAt.get(socket) ?? 0) < heardBefore)
        socket.destroy(socketError(`no answer from ${broker}`, 'ETIMEDOUT'));
    }
  };

  return {
    socketFactory,
    kill: (broker) => {
      const others = [...open.keys()].filter((other) => other !== broker);
      if (others.length > 0) refusedUntil.set(broker, performance.now() + COOL_DOWN_MS);
      close(broker);
      for (const other of others) close(other, performance.now() - SUSPECT_AFTER_MS);
    },
    endAll: () => [...open.values()].flatMap((sockets) => [...sockets]).forEach(endQuietly),
    killAll: () => {
      isOver = true;
      for (const broker of open.keys()) close(broker);
    },
  };
};
