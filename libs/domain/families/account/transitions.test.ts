import { followsItsTable } from '#kit/transitions';
import { accountLifecycle } from './lifecycle.ts';

describe('every status meets every event of an account', () => {
  followsItsTable(accountLifecycle);
});
