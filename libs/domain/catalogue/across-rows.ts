import type { Family } from './families.ts';

/**
 * Rows that together show facts which none of them shows alone: those of these families that name one order. The
 * migrations' function answers the facts. One service owns all of them: what spans services is a view.
 */
export const acrossRows = {
  /** Column that names the group; undefined: the row's key does. */
  groupedBy: { payments: 'order_id', orders: undefined } as const satisfies Partial<Record<Family, string | undefined>>,
  factsFunction: 'facts_across_orders',
  /** Answers names that these groups share with others, by which their facts belong together as well. */
  sharedFunction: 'receipts_of_orders',
} as const;
