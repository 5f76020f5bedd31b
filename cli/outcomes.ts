import type { KeyRef } from '#apply';
import type { RetryOutcome } from '#parking';

/** What became of a key's queue, in words. */
export const describeRetry = ({ family, key }: KeyRef, outcome: RetryOutcome): string => {
  switch (outcome.kind) {
    case 'unparked':
      return `${family} ${key}: applied ${outcome.applied}${gaveUp(outcome)}, nothing waits any more`;
    case 'parked':
      return `${family} ${key}: applied ${outcome.applied}${gaveUp(outcome)}, still parked: ${outcome.reason}`;
    case 'not-parked':
      return `${family} ${key} is not parked`;
  }
};

const gaveUp = ({ dead }: { readonly dead: number }): string => (dead === 0 ? '' : `, gave up ${dead}`);

/** Whether all that waited is applied. */
export const isUnparked = (outcome: { readonly kind: string }): boolean => outcome.kind === 'unparked';
