import { performance } from 'node:perf_hooks';
import { connect, onAnswers } from './http-load.ts';

/** Kept connections to one port, over which blocks of requests are sent. */
export interface Blocks {
  /**
   * Sends so many requests, as fast as they are answered, and answers how long that took, in s: none of them is under
   * way any more. Throws on an answer other than 200, since refusals are cheap and would be measured instead.
   */
  readonly send: (requests: number) => Promise<number>;
  readonly close: () => void;
}

/** Longest time for a block, in ms. */
const BLOCK_WITHIN_MS = 30_000;

export const openBlocks = async (port: number, connections: number, next: () => Buffer): Promise<Blocks> => {
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  let [unsent, unanswered] = [0, 0];
  let block = Promise.withResolvers<void>();
  // A connection may fail while nobody waits for a block; the next one then says so.
  block.promise.catch(() => undefined);
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    block.reject(error);
  };
  const sendOn = (socket: (typeof sockets)[number]): void => {
    unsent -= 1;
    socket.write(next());
  };
  for (const socket of sockets) {
    onAnswers(socket, (status) => {
      if (status !== '200') return fail(new Error(`answered ${status}: the machine is too busy to measure`));
      unanswered -= 1;
      if (unsent > 0) sendOn(socket);
      else if (unanswered === 0) block.resolve();
    });
    socket.once('close', () => fail(new Error('the server closed a connection between two requests')));
    socket.on('error', fail);
  }
  const blocks: Blocks = {
    send: async (requests) => {
      if (failure !== undefined) throw failure;
      block = Promise.withResolvers();
      [unsent, unanswered] = [requests, requests];
      const begin = performance.now();
      const limit = setTimeout(() => fail(new Error(`${unanswered} requests were not answered`)), BLOCK_WITHIN_MS);
      for (const socket of sockets) if (unsent > 0) sendOn(socket);
      try {
        await block.promise;
      } finally {
        clearTimeout(limit);
      }
      return (performance.now() - begin) / 1000;
    },
    close: () => {
      for (const socket of sockets) socket.removeAllListeners('close').destroy();
    },
  };
  // Used at once: a connection that has said nothing for 5 s is closed by the server.
  await blocks.send(connections);
  return blocks;
};
