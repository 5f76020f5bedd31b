import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventName } from '#catalogue';
import { connectionTo } from './connection.ts';
import type { Answer } from './connection.ts';
import { retriesMs } from './ladder.ts';
import { limiter } from './limiter.ts';
import { requestOf } from './plan.ts';
import type { Delivery } from './plan.ts';

export interface SendOptions {
  readonly url: URL;
  readonly secret: string;
  readonly concurrency: number;
  /** First deliveries per second; 0 is as many as there are answers for. */
  readonly rate: number;
  /** Deliver again what was not answered 2xx, on Razorpay's schedule, this many times faster; 0 does not. */
  readonly compression?: number;
  readonly onProgress?: (settled: number) => void;
}

/** A delivery whose last answer was not the one that it must have. */
export interface Surprise {
  readonly eventId: string;
  readonly event: EventName;
  readonly kind: Delivery['kind'];
  readonly expected: string;
  readonly found: string;
}

export interface SendReport {
  /** HTTP requests, deliveries of `retried` included. */
  readonly sent: number;
  readonly deliveries: Readonly<Record<Delivery['kind'], number>>;
  /** Requests by status, or by `timeout` and `no answer`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests that repeated one which was not answered 2xx. */
  readonly retried: number;
  /** Time to an answer, in ms; null when there was none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly seconds: number;
  readonly perSecond: number;
  /** How many last answers were not as expected: 401 for a forgery, 200 for everything else. */
  readonly unexpected: number;
  /** The first of them. */
  readonly surprises: readonly Surprise[];
}

const SURPRISES_SHOWN = 10;
const ACCEPTED = '200';
const REFUSED = '401';

/** Sends everything and waits for the last answer. Never throws for what a receiver does. */
export const send = async (deliveries: readonly Delivery[], options: SendOptions): Promise<SendReport> => {
  const connection = connectionTo(options.url, options.concurrency);
  const inFlight = limiter(options.concurrency);
  const answers: Record<string, number> = {};
  const latencies: number[] = [];
  const surprises: Surprise[] = [];
  const [begin, compression] = [performance.now(), options.compression ?? 0];
  let [sent, retried, settled, unexpected] = [0, 0, 0, 0];

  const attempt = (delivery: Delivery): Promise<Answer> =>
    inFlight(async () => {
      const before = performance.now();
      const answer = await connection.deliver(requestOf(delivery, options.secret));
      sent += 1;
      answers[nameOf(answer)] = (answers[nameOf(answer)] ?? 0) + 1;
      if ('status' in answer) latencies.push(performance.now() - before);
      return answer;
    });

  const settle = (delivery: Delivery, answer: Answer): void => {
    const expected = delivery.kind === 'tampered' ? REFUSED : ACCEPTED;
    settled += 1;
    options.onProgress?.(settled);
    if (nameOf(answer) === expected) return;
    unexpected += 1;
    const { eventId, event } = delivery.event;
    if (surprises.length < SURPRISES_SHOWN)
      surprises.push({ eventId, event, kind: delivery.kind, expected, found: nameOf(answer) });
  };

  /** Razorpay's ladder, counted from the first delivery. It ends with a 2xx or with its last step. */
  const retry = async (delivery: Delivery, first: Answer, since: number): Promise<void> => {
    let last = first;
    for (const after of retriesMs(delivery.event.event, 'status' in first ? first.status : undefined, compression)) {
      await sleep(Math.max(0, since + after - performance.now()));
      retried += 1;
      last = await attempt(delivery);
      if (isAccepted(last)) break;
    }
    settle(delivery, last);
  };

  const later: Promise<void>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < deliveries.length; index = next++) {
      const delivery = deliveries[index] as Delivery;
      if (options.rate > 0) await sleep(Math.max(0, begin + (index * 1000) / options.rate - performance.now()));
      const since = performance.now();
      const answer = await attempt(delivery);
      // A forgery is refused for good: no sender repeats it.
      if (compression > 0 && delivery.kind !== 'tampered' && !isAccepted(answer))
        later.push(retry(delivery, answer, since));
      else settle(delivery, answer);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  await Promise.all(later);
  connection.close();

  const seconds = (performance.now() - begin) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    sent,
    deliveries: countKinds(deliveries),
    answers,
    retried,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    seconds: rounded(seconds),
    perSecond: rounded(sent / seconds),
    unexpected,
    surprises,
  };
};

const nameOf = (answer: Answer): string => ('status' in answer ? String(answer.status) : answer.failure);
const isAccepted = (answer: Answer): boolean => 'status' in answer && answer.status >= 200 && answer.status < 300;

const countKinds = (deliveries: readonly Delivery[]): Record<Delivery['kind'], number> => {
  const counts = { genuine: 0, again: 0, tampered: 0 };
  for (const { kind } of deliveries) counts[kind] += 1;
  return counts;
};

const quantile = (sorted: readonly number[], share: number): number | null => {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : rounded(value);
};
const rounded = (value: number): number => Math.round(value * 100) / 100;
