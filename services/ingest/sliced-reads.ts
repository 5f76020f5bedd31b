import type { Socket } from 'node:net';

/**
 * Bytes of a read that the parser gets at once. A chunk of one byte takes 6 bytes on the wire,
 * so that two slices hold more pieces than a body may come in (body-pieces.ts).
 */
const SLICE_BYTES = 4 * 1024;
/** For so long after somebody sent crumbs every new connection is read in slices, in ms. */
const WARY_MS = 60_000;

type Parse = (bytes: Buffer) => void;
/** Node's own mark of a connection whose answers nobody takes. Its parser must get nothing while it stands. */
type Held = Socket & { readonly _paused?: boolean };

const sliced = new WeakSet<Socket>();
/** Connections of which nothing more is parsed. */
const over = new WeakSet<Socket>();
let crumbsCameAt = -Infinity;

/**
 * From now on what comes over the connection reaches Node's parser in slices, and not at all after `parseNoMore`. Node
 * itself parses a whole read of 64 KiB, 10,900 chunks of one byte, in one turn of the event loop, 10 ms and more;
 * nothing that is called meanwhile can end that. A read in slices costs 15 µs more, so that only those are who send
 * their body in chunks (Razorpay does not), and for a while all who connect after crumbs came.
 */
export const readInSlices = (socket: Socket): void => {
  if (sliced.has(socket)) return;
  sliced.add(socket);
  // Node's server has one listener, which parses. With another one it no longer parses what it reads unasked.
  const parsers = socket.listeners('data') as Parse[];
  for (const parse of parsers) socket.off('data', parse);
  socket.on('data', (read: Buffer) => {
    for (let at = 0; at < read.length; at += SLICE_BYTES) {
      if (socket.destroyed || over.has(socket)) return;
      if (socket.isPaused() || (socket as Held)._paused === true) {
        // Whoever paused the connection gets the rest when it goes on.
        socket.pause();
        socket.unshift(read.subarray(at));
        return;
      }
      const slice = read.subarray(at, at + SLICE_BYTES);
      for (const parse of parsers) parse(slice);
    }
  });
};

/** A connection that has just been made: its very first read may hold crumbs. */
export const readInSlicesWhenWary = (socket: Socket): void => {
  if (performance.now() - crumbsCameAt < WARY_MS) readInSlices(socket);
};

/** Nothing more of the connection is parsed, where it is read in slices. */
export const parseNoMore = (socket: Socket): void => void over.add(socket);

/** The same, of one that has sent a body in more pieces than anybody needs. */
export const crumbsCame = (socket: Socket): void => {
  parseNoMore(socket);
  crumbsCameAt = performance.now();
};
