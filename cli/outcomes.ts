import type { KeyRef } from '#apply';
import type { OperateParkedOutcome, ShownDeath, ShownHead } from '#operate';
import { timeOf } from './times.ts';

/** What became of a key's queue, in words. */
export const describeRetry = ({ family, key }: KeyRef, outcome: OperateParkedOutcome): string => {
  switch (outcome.kind) {
    case 'unparked':
      return `${family} ${key}: applied ${outcome.applied}${gaveUp(outcome)}, nothing waits any more`;
    case 'parked':
      return `${family} ${key}: applied ${outcome.applied}${gaveUp(outcome)}, still parked: ${outcome.reason}`;
    case 'not-parked':
      return `${family} ${key}: done meanwhile: it is not parked any more`;
    case 'changed':
      return `${family} ${key}: left alone, it has changed: now ${headInWords(outcome.now)}`;
  }
};

const gaveUp = ({ dead }: { readonly dead: number }): string => (dead === 0 ? '' : `, gave up ${dead}`);

/** What an operator decides about, in words. */
export const headInWords = ({ failingEventId, attempts }: ShownHead): string =>
  `event ${failingEventId} after ${attempts} attempts`;
export const deathInWords = ({ deadAt, attempts }: ShownDeath): string =>
  `dead since ${timeOf(deadAt)} after ${attempts} attempts`;

/**
 * `meanwhile`: somebody else has done it, which is no error. `changed`: it is not as it was shown, so nothing was done.
 */
export type Fate = 'done' | 'meanwhile' | 'changed' | 'failed';
const FATES: Readonly<Record<string, Fate>> = {
  unparked: 'done',
  discarded: 'done',
  'not-parked': 'meanwhile',
  'not-dead': 'meanwhile',
  'not-quarantined': 'meanwhile',
  changed: 'changed',
};
export const fateOf = ({ kind }: { readonly kind: string }): Fate => FATES[kind] ?? 'failed';
