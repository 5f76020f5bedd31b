import http from 'node:http';
import https from 'node:https';
import type { SignedRequest } from './plan.ts';

/** What came back for one request: a status, or why there was none. */
export type Answer = { readonly status: number } | { readonly failure: 'timeout' | 'no answer' };

/** Razorpay waits this long for a 2xx (razorpay.com/docs/webhooks/setup-edit-payments). */
export const ANSWER_WITHIN_MS = 5_000;

/** Keep-alive connections to one URL. */
export interface Connection {
  readonly deliver: (request: SignedRequest) => Promise<Answer>;
  readonly close: () => void;
}

export const connectionTo = (url: URL, connections: number): Connection => {
  const secure = url.protocol === 'https:';
  const options = { keepAlive: true, maxSockets: connections, scheduling: 'fifo' } as const;
  const agent = secure ? new https.Agent(options) : new http.Agent(options);
  const send = secure ? https.request : http.request;

  const once = (request: SignedRequest): Promise<Answer | 'socket was closed'> =>
    new Promise((resolve) => {
      const outgoing = send(
        url,
        { method: 'POST', agent, headers: { ...request.headers, 'Content-Length': request.body.length } },
        (answer) => {
          answer.resume();
          answer.on('end', () => done({ status: answer.statusCode ?? 0 }));
          answer.on('error', () => done({ failure: 'no answer' }));
        },
      );
      const timer = setTimeout(() => {
        done({ failure: 'timeout' });
        outgoing.destroy();
      }, ANSWER_WITHIN_MS);
      const done = (answer: Answer | 'socket was closed'): void => {
        clearTimeout(timer);
        resolve(answer);
      };
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        done(outgoing.reusedSocket && error.code === 'ECONNRESET' ? 'socket was closed' : { failure: 'no answer' });
      });
      outgoing.end(request.body);
    });

  return {
    // A server may close a kept connection in the moment in which it is used again: that is no answer to this request.
    deliver: async (request) => {
      for (let tries = 0; tries < CLOSED_SOCKETS_MAX; tries++) {
        const answer = await once(request);
        if (answer !== 'socket was closed') return answer;
      }
      return { failure: 'no answer' };
    },
    close: () => agent.destroy(),
  };
};

/** Kept connections that may turn out to be closed, one after the other, before that counts as no answer. */
const CLOSED_SOCKETS_MAX = 3;
