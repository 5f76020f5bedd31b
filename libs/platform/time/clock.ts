import { instant } from '#rules';
import type { Instant } from '#rules';

/**
 * The wall clock. For what is written down; how long something takes
 * is measured with `performance.now()`, which nobody sets back.
 */
export const now = (): Instant => instant(Date.now());
