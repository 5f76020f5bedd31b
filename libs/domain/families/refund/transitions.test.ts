import { followsItsTable } from '#kit/transitions';
import { refundLifecycle } from './lifecycle.ts';

describe('every status meets every event of a refund', () => {
  followsItsTable(refundLifecycle);
});
