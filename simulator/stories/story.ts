import type { EventName, Family } from '#catalogue';
import type { Random } from '../random.ts';
import { simulatedEvent } from '../simulated-event.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import type { Parts } from '../wire.ts';

/** Where a story takes place. The same scene gives the same events, byte for byte. */
export interface Scene {
  readonly random: Random;
  /** When the story begins, in epoch seconds. */
  readonly start: number;
  /** The merchant, with `acc_`. */
  readonly accountId: string;
}

/**
 * The status that an entity must end in: stated by hand from Razorpay's documentation, never computed by our own rules.
 */
export interface End {
  readonly family: Family;
  readonly key: string;
  readonly status: string;
}

export interface Telling {
  /** In the order in which they happened. */
  readonly events: readonly SimulatedEvent[];
  readonly ends: readonly End[];
}

/** A course of events that Razorpay's documentation describes. */
export interface Story {
  readonly summary: string;
  readonly tell: (scene: Scene) => Telling;
}

/** Longest time in seconds from the first to the last event of a story. */
export const STORY_SECONDS_MAX = 1_500;

/** One step: what happened, how many seconds after the beginning, and the entities as they were then. */
export interface Step {
  readonly after: number;
  readonly event: EventName;
  readonly parts: Parts;
  readonly beside?: Parts;
  /** The body's `created_at` in epoch seconds, where it is not the time of the event. */
  readonly createdAt?: number;
  /** The account in the envelope, where it is not the merchant. */
  readonly accountId?: string;
}

export const step = (
  after: number,
  event: EventName,
  parts: Parts,
  more: Pick<Step, 'beside' | 'createdAt' | 'accountId'> = {},
): Step => ({ after, event, parts, ...more });
export const end = (family: Family, key: string, status: string): End => ({ family, key, status });

export const telling = (
  { random, start, accountId }: Scene,
  steps: readonly Step[],
  ends: readonly End[],
): Telling => ({
  events: steps.map(({ after, event, parts, beside, ...own }) =>
    simulatedEvent(random.id(''), start + after, {
      event,
      accountId: own.accountId ?? accountId,
      createdAt: own.createdAt ?? start + after,
      parts,
      ...(beside !== undefined && { beside }),
    }),
  ),
  ends,
});
