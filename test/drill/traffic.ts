import { randomBytes } from 'node:crypto';
import { buildEvent } from '#simulator';
import { thisSecond } from '../kit/system-fixture.ts';
import type { SystemFixture } from '../kit/system-fixture.ts';

/** Captured payments of a shop that sells all the time, one after the other. */
export interface Traffic {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Signs with another secret than ingest has, as after a rotation on one side; undefined: with the right one. */
  readonly signWith: (secret: string | undefined) => void;
  readonly stop: () => Promise<void>;
  /** Ids of the events that were answered 200. */
  readonly acknowledged: () => ReadonlySet<string>;
}

const EVERY_MS = 100;

export const startTraffic = (system: Pick<SystemFixture, 'deliver'>): Traffic => {
  const acknowledged = new Set<string>();
  let isPaused = false;
  let isStopped = false;
  let secret: string | undefined;

  const one = async (): Promise<void> => {
    const id = `pay_${randomBytes(7).toString('hex')}`;
    const event = buildEvent('payment.captured', {
      seed: id,
      at: thisSecond(),
      subject: { id, amount: 49_900, currency: 'INR' },
    });
    // While everything restarts nobody listens; Razorpay would send again.
    const status = await system.deliver(event, secret === undefined ? {} : { secret }).catch(() => 0);
    if (status === 200) acknowledged.add(event.eventId);
  };
  const run = async (): Promise<void> => {
    while (!isStopped) {
      const pause = new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      if (!isPaused) await one();
      await pause;
    }
  };
  const running = run();
  return {
    pause: () => (isPaused = true),
    resume: () => (isPaused = false),
    signWith: (other) => (secret = other),
    stop: async () => {
      isStopped = true;
      await running;
    },
    acknowledged: () => acknowledged,
  };
};
