import net from 'node:net';
import { performance } from 'node:perf_hooks';

/** When requests may be sent. */
export interface Pace {
  /** How many may have been sent `elapsedMs` after the beginning; asked every millisecond and after every answer. */
  readonly allowed: (elapsedMs: number) => number;
  /**
   * When the request with this number (0 first) is due, in ms after the beginning. Its time counts from then where all
   * connections wait for answers; where one was free it counts from the sending: a timer that is late is ours.
   */
  readonly dueMs?: (number: number) => number;
}

/** The next request as soon as there is a free connection: finds what a server can do. */
export const asFastAsAnswered: Pace = { allowed: () => Infinity };

/** Keeps a request that is due exactly now from being taken for one that is not due yet. */
const ROUNDING = 1e-9;

/**
 * So many a second, whatever the answers: the first at once. Time counts from when a
 * request was due, so that a stall of the server is not left out.
 */
export const atRate = (perSecond: number): Pace => ({
  allowed: (elapsedMs) => Math.floor((elapsedMs * perSecond) / 1000 + ROUNDING) + 1,
  dueMs: (number) => (number * 1000) / perSecond,
});

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Complete HTTP requests, head and body; undefined when there are none left, which ends the load. */
  readonly next: () => Buffer | undefined;
  readonly pace: Pace;
  /** Called when `seconds` are over, before the last answers are waited for. */
  readonly onEnd?: () => void;
}

export interface LoadReport {
  readonly sent: number;
  /** Answers with status 200: all, and those within `seconds`. */
  readonly answered: number;
  readonly answeredInTime: number;
  /** Other answers, by status. */
  readonly others: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Time to the answer of every request, in ms. */
  readonly latenciesMs: readonly number[];
  /** Share (0 to 1) of one core that sending took; near 1 the generator would be what is measured. */
  readonly generatorCore: number;
}

const TICK_MS = 1;
/** Answers that are late by more than this are not waited for. */
const LAST_ANSWERS_WITHIN_MS = 10_000;
const HEAD_END = '\r\n\r\n';
const STATUS_AT = 'HTTP/1.1 '.length;

/**
 * Sends ready-made requests over keep-alive connections and does as little as possible for each: one write, one look at
 * the answer. A general HTTP client costs more per request than the server that is measured.
 */
export const sendLoad = async ({ port, connections, seconds, next, pace, onEnd }: LoadOptions): Promise<LoadReport> => {
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const idle = [...sockets];
  const others: Record<string, number> = {};
  const latenciesMs: number[] = [];
  const { promise: over, resolve: finish, reject: fail } = Promise.withResolvers<void>();
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const endsAt = begin + seconds * 1000;
  let [sent, answered, measured, isEnding] = [0, 0, 0, false];
  let [cpu, answeredInTime] = [0, 0];
  /** Something is due, and all connections wait for answers. */
  let isStarved = false;

  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    const used = process.cpuUsage(cpuBefore);
    cpu = used.user + used.system;
    measured = (performance.now() - begin) / 1000;
    answeredInTime = answered;
    onEnd?.();
    if (idle.length === sockets.length) finish();
  };

  const sendOn = (socket: net.Socket): boolean => {
    const now = performance.now();
    if (isEnding || now >= endsAt || sent >= pace.allowed(now - begin)) return false;
    const request = next();
    if (request === undefined) {
      end();
      return false;
    }
    since.set(socket, pace.dueMs === undefined || !isStarved ? now : begin + pace.dueMs(sent));
    sent += 1;
    socket.write(request);
    return true;
  };
  const since = new Map<net.Socket, number>();

  const answeredOn = (socket: net.Socket, status: string): void => {
    if (status === '200') answered += 1;
    else others[status] = (others[status] ?? 0) + 1;
    latenciesMs.push(performance.now() - (since.get(socket) ?? 0));
    if (sendOn(socket)) return;
    isStarved = false;
    idle.push(socket);
    if (isEnding && idle.length === sockets.length) finish();
  };

  for (const socket of sockets) {
    onAnswers(socket, (status) => answeredOn(socket, status));
    socket.once('close', () => fail(new Error('the server closed a connection in the middle of the load')));
    socket.on('error', fail);
  }
  const tick = (): void => {
    if (performance.now() >= endsAt) return end();
    // The one that has rested longest: a connection on which nothing comes for 5 s is closed by the server.
    for (let socket = idle[0]; socket !== undefined && sendOn(socket); socket = idle[0]) idle.shift();
    isStarved = idle.length === 0;
  };
  const timer = setInterval(tick, TICK_MS);
  const limit = setTimeout(
    () => fail(new Error(`${sent - latenciesMs.length} requests were not answered`)),
    seconds * 1000 + LAST_ANSWERS_WITHIN_MS,
  );
  try {
    tick();
    await over;
  } finally {
    clearInterval(timer);
    clearTimeout(limit);
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
  }
  return {
    sent,
    answered,
    answeredInTime,
    others,
    seconds: measured,
    latenciesMs,
    generatorCore: cpu / 1e6 / measured,
  };
};

/** A connection that sends at once. */
export const connect = (port: number): Promise<net.Socket> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });

/** One answer at a time: a connection never carries two requests at once. */
export const onAnswers = (socket: net.Socket, onAnswer: (status: string) => void): void => {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const headEnd = text.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    if (length === undefined || text.length < headEnd + HEAD_END.length + Number(length)) return;
    const status = text.slice(STATUS_AT, STATUS_AT + 3);
    text = '';
    onAnswer(status);
  });
};
