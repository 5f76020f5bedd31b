import type { Message } from '../templates/words.ts';

/** What a channel needs beside the message. */
export interface DeliveryContext {
  /** Equal on every attempt and every repeat of one notification: how a receiver recognises it. */
  readonly notificationId: string;
  /** Grows with each fact of one entity, so that a receiver can order them. */
  readonly sequence: number;
  /** From 1. */
  readonly attempt: number;
  /** Aborted when the notifier stops: the attempt ends as `retry`. */
  readonly signal: AbortSignal;
}

/** What came of one attempt. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly response: string }
  /** It may work later. `afterMs` is the receiver's own wish (Retry-After). */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** It will not work by itself: somebody has to change something. */
  | { readonly kind: 'failed'; readonly reason: string };

/** One way out. Never throws for what the outside world may do, and always ends within its time-out. */
export interface Channel {
  readonly deliver: (message: Message, context: DeliveryContext) => Promise<Outcome>;
  /** Lets go of idle connections. */
  readonly close: () => Promise<void>;
}

/** Longest text of a foreign system that is kept as response or reason, in UTF-16 units. */
const FOREIGN_TEXT_MAX = 300;

/** What a foreign system said, as one bounded line in which nothing is hidden and nothing runs backwards. */
export const foreignText = (text: string, max = FOREIGN_TEXT_MAX): string =>
  text
    .replaceAll(/\p{Cf}+/gu, '')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, max)
    .toWellFormed();
