import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { parseNoMore, readInSlices } from './sliced-reads.ts';

/**
 * Requests of a connection that wait for their turn before nothing
 * more is read from it. What was read with them may be more.
 */
const WAITING_MAX = 16;
/**
 * How long a sender that was refused before its body had ended is
 * given to read the answer, in ms, and how many at once.
 */
const LINGER_MS = 500;
const LINGERING_MAX = 1_000;

interface Line {
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
  isBusy: boolean;
  hasWaited: boolean;
}

/**
 * Hands over the requests of a connection one after another: the next when the one before is answered, and in a later
 * turn of the event loop. Node itself would start all that one read has brought, thousands of small ones, before it
 * looks at anybody else. After an answer that closes the connection nothing of it is looked at any more.
 */
export const oneAtATime = (handle: RequestListener): RequestListener => {
  const lines = new WeakMap<Socket, Line>();

  const begin = (line: Line, request: IncomingMessage, response: ServerResponse): void => {
    line.isBusy = true;
    response.once('close', () => next(line, request.socket));
    handle(request, response);
  };
  const next = (line: Line, socket: Socket): void => {
    if (ending.has(socket) || socket.destroyed) {
      // It stays busy: what was read already is dropped.
      line.waiting.length = 0;
      return;
    }
    const following = line.waiting.shift();
    if (following === undefined) {
      line.isBusy = false;
      return;
    }
    if (line.waiting.length < WAITING_MAX && socket.isPaused()) socket.resume();
    setImmediate(begin, line, ...following);
  };

  return (request, response) => {
    const { socket } = request;
    if (request.headers['transfer-encoding'] !== undefined) readInSlices(socket);
    let line = lines.get(socket);
    if (line === undefined) lines.set(socket, (line = { waiting: [], isBusy: false, hasWaited: false }));
    if (!line.isBusy) return begin(line, request, response);
    if (!line.hasWaited) closeWithoutStacks(socket);
    line.hasWaited = true;
    line.waiting.push([request, response]);
    if (line.waiting.length >= WAITING_MAX) socket.pause();
  };
};

/**
 * Node makes an error for every request that was waiting when its connection closes. Nobody reads it, and finding its
 * stack takes 50 µs, more than the request took so far.
 */
const closeWithoutStacks = (socket: Socket): void => {
  const { stackTraceLimit } = Error;
  socket.prependOnceListener('close', () => void (Error.stackTraceLimit = 0));
  socket.once('close', () => void (Error.stackTraceLimit = stackTraceLimit));
};

/** Connections on which the last answer is given. */
const ending = new WeakSet<Socket>();
let lingering = 0;

/**
 * Ends a connection on which more may come than is wanted, after what was written and
 * `last`. Nothing more is read. Closing at once would make the system throw away the
 * answer together with what is unread, so the sender is given a moment to take it.
 */
export const closeUnread = (socket: Socket, last = ''): void => {
  parseNoMore(socket);
  if (lingering >= LINGERING_MAX) {
    socket.end(last, () => socket.destroy());
    return;
  }
  lingering += 1;
  socket.end(last);
  // Node lets go of the rest of a body by reading it, and begins that in this turn.
  setImmediate(() => socket.pause());
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    lingering -= 1;
    clearTimeout(timer);
  });
};

/** Makes the answer of a request the last of its connection; the rest of its body, however long, is not read. */
export const closeAfter = (request: IncomingMessage): void => {
  const { socket } = request;
  ending.add(socket);
  if (!request.complete) parseNoMore(socket);
  const close = socket.destroySoon.bind(socket);
  // Node calls it when the last answer of a connection is written.
  socket.destroySoon = () => (request.complete ? close() : closeUnread(socket));
};
