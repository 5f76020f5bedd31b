import { followsItsTable } from '#kit';
import { refundLifecycle } from './lifecycle.ts';

describe('every status meets every event of a refund', () => {
  followsItsTable(refundLifecycle);
});
