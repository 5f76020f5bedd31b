import { followsItsTable } from '#kit/transitions';
import { invoiceLifecycle } from './lifecycle.ts';

describe('every status meets every event of an invoice', () => {
  followsItsTable(invoiceLifecycle);
});
