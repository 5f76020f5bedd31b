import { followsItsTable } from '#kit/transitions';
import { validationLifecycle } from './lifecycle.ts';

describe('every status meets every event of a validation', () => {
  followsItsTable(validationLifecycle);
});
