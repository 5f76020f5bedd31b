import type { Logger } from '#platform/log';
import { answerCodeOf, answerOf } from './answers.ts';
import type { Reason } from './answers.ts';

/**
 * Refused and unavailable deliveries are logged together this often, in ms: a flood costs one line a second and reason.
 */
const INTERVAL_MS = 1_000;

interface Tally {
  readonly endpoint: string;
  readonly reason: Reason;
  count: number;
  bytes: number;
  slowestMs: number;
}

/** One wide line per endpoint and reason for what was not accepted; nothing of the delivery itself. */
export interface DeliveryLog {
  readonly note: (endpoint: string, reason: Reason, bytes: number, ms: number) => void;
  readonly flush: () => void;
}

export const createDeliveryLog = (log: Logger): DeliveryLog => {
  const tallies = new Map<string, Tally>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const { endpoint, reason, count, bytes, slowestMs } of tallies.values()) {
      const { outcome, status } = answerOf(reason);
      const line = {
        code: answerCodeOf(reason),
        endpoint,
        outcome,
        reason,
        status,
        count,
        bytes,
        slowestMs: Math.round(slowestMs),
      };
      if (outcome === 'unavailable') log.warn(line, 'deliveries were answered 503; Razorpay sends them again');
      else log.info(line, 'deliveries were refused');
    }
    tallies.clear();
  };

  return {
    flush,
    note: (endpoint, reason, bytes, ms) => {
      const key = `${endpoint} ${reason}`;
      const tally = tallies.get(key) ?? { endpoint, reason, count: 0, bytes: 0, slowestMs: 0 };
      tallies.set(key, tally);
      tally.count++;
      tally.bytes += bytes;
      tally.slowestMs = Math.max(tally.slowestMs, ms);
      timer ??= setTimeout(flush, INTERVAL_MS).unref();
    },
  };
};
