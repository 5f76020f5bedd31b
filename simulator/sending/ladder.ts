import type { EventName } from '#catalogue';

/**
 * When Razorpay delivers again, in seconds after the first delivery, as measured over 24 h (docs/reference/razorpay.md
 * "Delivery"). After the last one it gives up.
 */
const LADDER_S = [6, 19, 40, 82, 165, 326, 650, 1_293, 2_576, 5_140, 10_267, 20_508, 40_988, 81_953];
/** One more try in the same second, only after a 5xx and only for these. */
const AT_ONCE_S = 0.23;
const TRIED_AT_ONCE: ReadonlySet<EventName> = new Set<EventName>([
  'payment.authorized',
  'payment.captured',
  'order.paid',
]);

/**
 * Seconds of Razorpay's day that pass in one of ours: the 24 hours become 72 seconds, the last delivery comes after 68.
 */
export const COMPRESSION = 1_200;

/** When to deliver again, in ms after the first delivery that failed. `status`: its answer, if it had one. */
export const retriesMs = (event: EventName, status: number | undefined, compression: number): readonly number[] => {
  const atOnce = status !== undefined && status >= 500 && TRIED_AT_ONCE.has(event) ? [AT_ONCE_S] : [];
  return [...atOnce, ...LADDER_S].map((seconds) => (seconds * 1000) / compression);
};
