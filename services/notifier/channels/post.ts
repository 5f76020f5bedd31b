import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { guardedLookup, RefusedAddress } from './address-guard.ts';
import type { AllowList } from './address-guard.ts';
import { answerText } from './answer-text.ts';
import { foreignText } from './channel.ts';
import type { Outcome } from './channel.ts';
import { retryAfterMs } from './retry-after.ts';

/** Longest time for the connection, TLS included, in ms; the whole attempt has the destination's time-out. */
const CONNECT_MAX_MS = 5_000;
/** How long the body of an answer is waited for: the status has decided, the body only explains. */
const BODY_WAIT_MS = 1_000;
const BODY_BYTES_MAX = 4 * 1024;
/**
 * An idle connection is kept this long; shorter than what common
 * servers keep theirs (nginx 75 s, Node 5 s by its hint).
 */
const IDLE_MS = 30_000;
/** Statuses below 500 that say "later": request timeout, too early, too many requests. */
const LATER = new Set([408, 425, 429]);

export interface PostTarget {
  readonly url: URL;
  readonly allow: AllowList;
  /** Connections at once. */
  readonly connections: number;
  /** For one attempt, connection to headers, in ms. */
  readonly timeoutMs: number;
}

export interface PostRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What the body says about persons: what is kept of an answer must not say it. */
  readonly personal: readonly string[];
}

export interface Poster {
  readonly post: (request: PostRequest, signal: AbortSignal) => Promise<Outcome>;
  readonly close: () => void;
}

/**
 * Posts to one URL with kept connections. Follows no redirect, reads
 * little of the answer, waits for nothing longer than told.
 */
export const createPoster = ({ url, allow, connections, timeoutMs }: PostTarget): Poster => {
  const { request: send, Agent } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections, timeout: IDLE_MS });
  const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect';
  // Once: `send` takes a URL apart each time.
  const target = { ...urlToHttpOptions(url), method: 'POST', lookup: guardedLookup(allow) };

  const attempt = (
    { headers, body, personal }: PostRequest,
    signal: AbortSignal,
    fresh: boolean,
  ): Promise<Outcome | 'stale connection'> =>
    new Promise((resolve) => {
      const sent = send({
        ...target,
        agent: fresh ? false : agent,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), 'user-agent': 'Dakia' },
      });
      // Timers and a listener: a signal of its own for each attempt, made of others, costs more than the signature.
      let isLate = false;
      const stop = (): void => void sent.destroy();
      const deadline = setTimeout(() => {
        isLate = true;
        stop();
      }, timeoutMs);
      const connecting = setTimeout(
        () => sent.destroy(new Error(`no connection within ${CONNECT_MAX_MS} ms`)),
        CONNECT_MAX_MS,
      );
      const end = (outcome: Outcome | 'stale connection'): void => {
        clearTimeout(deadline);
        clearTimeout(connecting);
        signal.removeEventListener('abort', stop);
        resolve(outcome);
      };
      sent.once('socket', (socket) => {
        if (!socket.connecting) return clearTimeout(connecting);
        return socket.once(connected, () => clearTimeout(connecting));
      });
      sent.once('response', (response) => {
        clearTimeout(deadline);
        clearTimeout(connecting);
        void readStart(response).then((text) => end(outcomeOf(response, answerText(text, personal))));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        if (signal.aborted) end({ kind: 'retry', reason: 'the notifier stopped before an answer came' });
        else if (isLate) end({ kind: 'retry', reason: `no answer within ${timeoutMs} ms` });
        else if (sent.reusedSocket && error.code === 'ECONNRESET') end('stale connection');
        else if (error instanceof RefusedAddress) end({ kind: 'failed', reason: error.message });
        else end({ kind: 'retry', reason: `no answer: ${foreignText(error.message)}` });
      });
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      sent.end(body);
    });

  return {
    post: async (request, signal) => {
      const first = await attempt(request, signal, false);
      if (first !== 'stale connection') return first;
      // The receiver had closed the kept connection just before it
      // was used: nobody's failure, so a new one is made at once.
      const second = await attempt(request, signal, true);
      return second === 'stale connection' ? { kind: 'retry', reason: 'no answer: connection reset' } : second;
    },
    close: () => agent.destroy(),
  };
};

/**
 * The beginning of an answer's body; what does not come in time or is too much is cut off together with its connection.
 */
const readStart = (response: http.IncomingMessage): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (isWhole: boolean): void => {
      clearTimeout(timer);
      if (!isWhole) response.destroy();
      resolve(Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8'));
    };
    const timer = setTimeout(() => finish(false), BODY_WAIT_MS);
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > BODY_BYTES_MAX) finish(false);
    });
    response.once('end', () => finish(true));
    response.on('error', () => finish(false));
  });

const outcomeOf = ({ statusCode = 0, headers }: http.IncomingMessage, answer: string): Outcome => {
  const said = `HTTP ${statusCode}${answer === '' ? '' : `: ${answer}`}`;
  if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered', response: said };
  if (statusCode >= 300 && statusCode < 400)
    return { kind: 'failed', reason: `HTTP ${statusCode}: redirects are not followed; give the final URL` };
  if (statusCode < 500 && !LATER.has(statusCode)) return { kind: 'failed', reason: said };
  const afterMs = retryAfterMs(headers['retry-after'], Date.now());
  return { kind: 'retry', reason: said, ...(afterMs === undefined ? {} : { afterMs }) };
};
