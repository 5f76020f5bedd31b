import { followsItsTable } from '#kit/transitions';
import { paymentLinkLifecycle } from './lifecycle.ts';

describe('every status meets every event of a payment link', () => {
  followsItsTable(paymentLinkLifecycle);
});
