import { followsItsTable } from '#kit/transitions';
import { paymentLifecycle } from './lifecycle.ts';

describe('every status meets every event of a payment', () => {
  followsItsTable(paymentLifecycle);
});
