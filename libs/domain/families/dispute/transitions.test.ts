import { followsItsTable } from '#kit/transitions';
import { disputeLifecycle } from './lifecycle.ts';

describe('every status meets every event of a dispute that names no phase', () => {
  followsItsTable(disputeLifecycle);
});

describe('every status meets every event of a dispute in its chargeback phase', () => {
  followsItsTable(disputeLifecycle, () => ({ phase: 'chargeback' }));
});
