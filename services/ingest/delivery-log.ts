import type { Logger } from '#platform/log';
import { answerCodeOf, answerOf } from './answers.ts';
import type { Reason } from './answers.ts';

/**
 * Refused and unavailable deliveries are logged together this often, in ms: a flood costs one line a second and reason.
 */
const INTERVAL_MS = 1_000;

/**
 * Which delivery it was, as far as it got. `claimedId` is what its header says: nobody knows who has written that.
 * The others are only of an authentic one.
 */
export interface About {
  readonly claimedId?: string | undefined;
  readonly eventId?: string;
  readonly event?: string | null;
  readonly family?: string | undefined;
  readonly key?: string;
  readonly traceId?: string | undefined;
}

interface Tally {
  readonly endpoint: string;
  readonly reason: Reason;
  count: number;
  bytes: number;
  slowestMs: number;
  /** The slowest of them; where it is the only one, the line is about nothing else. */
  about: About;
}

/** One wide line per endpoint and reason for what was not accepted; of the delivery itself nothing but its ids. */
export interface DeliveryLog {
  readonly note: (endpoint: string, reason: Reason, bytes: number, ms: number, about: About) => void;
  readonly flush: () => void;
}

export const createDeliveryLog = (log: Logger): DeliveryLog => {
  const tallies = new Map<string, Tally>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const { endpoint, reason, count, bytes, slowestMs, about } of tallies.values()) {
      const { outcome, status } = answerOf(reason);
      const line = {
        code: answerCodeOf(reason),
        endpoint,
        ...about,
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
    note: (endpoint, reason, bytes, ms, about) => {
      const key = `${endpoint} ${reason}`;
      const tally = tallies.get(key) ?? { endpoint, reason, count: 0, bytes: 0, slowestMs: 0, about };
      tallies.set(key, tally);
      tally.count++;
      tally.bytes += bytes;
      if (ms > tally.slowestMs) [tally.slowestMs, tally.about] = [ms, about];
      timer ??= setTimeout(flush, INTERVAL_MS).unref();
    },
  };
};
