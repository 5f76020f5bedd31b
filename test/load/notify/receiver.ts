/**
 * The merchant's system of the benchmark, as a process of its own: reads
 * the body, answers 200, and notes which ids came. Started by measure.ts.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from '../answer-parent.ts';

export interface Arrivals {
  /** When the last of the ids that were waited for came first, epoch ms. */
  readonly lastMs: number;
  /** Requests so far; more than ids when some were repeated. */
  readonly requests: number;
}

interface Waiting {
  readonly ids: number;
  readonly resolve: (arrivals: Arrivals) => void;
}

let seen = new Set<string>();
let requests = 0;
let waiting: Waiting | undefined;
/** Body of the first request ever. */
let sample = '';

const nowMs = (): number => performance.timeOrigin + performance.now();

const server = http.createServer((request, response) => {
  if (sample === '') request.on('data', (chunk: Buffer) => void (sample += chunk.toString()));
  else request.resume();
  request.on('end', () => {
    requests += 1;
    seen.add(String(request.headers['webhook-id']));
    response.end();
    if (waiting?.ids !== seen.size) return;
    waiting.resolve({ lastMs: nowMs(), requests });
    waiting = undefined;
  });
});

/** Answers once so many different ids have come since the last `await`; only one waits at a time. */
const awaitIds = (ids: number): Promise<Arrivals> => {
  [seen, requests] = [new Set(), 0];
  return new Promise((resolve) => void (waiting = { ids, resolve }));
};

answerParent({
  start: () =>
    new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))),
  await: (ids) => awaitIds(ids as number),
  sample: () => sample,
  stop: () => server.closeAllConnections(),
});
