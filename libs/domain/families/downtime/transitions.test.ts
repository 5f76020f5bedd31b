import { followsItsTable } from '#kit/transitions';
import { downtimeLifecycle } from './lifecycle.ts';

describe('every status meets every event of a downtime', () => {
  followsItsTable(downtimeLifecycle);
});
