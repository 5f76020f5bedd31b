import { followsItsTable } from '#kit/transitions';
import { orderLifecycle } from './lifecycle.ts';

describe('every status meets every event of an order', () => {
  followsItsTable(orderLifecycle);
});
