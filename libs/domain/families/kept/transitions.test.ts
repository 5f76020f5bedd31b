import { followsItsTable } from '#kit/transitions';
import { keptLifecycle } from './lifecycle.ts';

describe('every kept event, first or after another, is kept', () => {
  followsItsTable(keptLifecycle);
});
