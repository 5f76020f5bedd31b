/**
 * Where a snapshot stands among all snapshots of its entity: a total order that does not depend on arrival.
 * `order` is compared number by number (rank of status first, see each family's lifecycle), the event id decides last.
 */
export interface Stamp {
  readonly order: readonly number[];
  readonly eventId: string;
}

/** Negative when `a` stands below `b`, 0 only for the same event. */
export const compareStamps = (a: Stamp, b: Stamp): number => {
  const length = Math.max(a.order.length, b.order.length);
  for (let i = 0; i < length; i++) {
    const difference = (a.order[i] ?? UNKNOWN) - (b.order[i] ?? UNKNOWN);
    if (difference !== 0) return difference;
  }
  return a.eventId < b.eventId ? -1 : a.eventId > b.eventId ? 1 : 0;
};

/** What is unknown stands below everything that is known. */
export const UNKNOWN = -1;
