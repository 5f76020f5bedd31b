import type { Position } from '../contracts.ts';

export type Halted = Extract<Position, { readonly kind: 'halted' }>;

/** What a partition does, one thing at a time. */
export type Mode =
  /** Its position is looked up, and the record before it compared; nothing is taken. */
  | { readonly kind: 'positioning' }
  /** Records are fetched, and handed over chunk by chunk. */
  | { readonly kind: 'reading' }
  /** A chunk was not applied and waits; records are fetched until the buffer is full. */
  | { readonly kind: 'retrying' }
  /** It stands still until an operator has decided. */
  | { readonly kind: 'halted'; readonly why: Halted }
  /** It belongs to somebody else; nothing leads out of here. */
  | { readonly kind: 'released' };

const NEXT: Readonly<Record<Mode['kind'], readonly Mode['kind'][]>> = {
  positioning: ['positioning', 'reading', 'halted', 'released'],
  reading: ['positioning', 'retrying', 'released'],
  retrying: ['reading', 'released'],
  halted: ['positioning', 'reading', 'halted', 'released'],
  released: ['released'],
};

/** The mode after `from`. Throws on a step that no partition makes: whoever asked for it has a bug. */
export const transition = (from: Mode, to: Mode): Mode => {
  if (!NEXT[from.kind].includes(to.kind)) throw new Error(`a partition does not go from ${from.kind} to ${to.kind}`);
  return to;
};
