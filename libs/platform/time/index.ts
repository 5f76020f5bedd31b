export { backoffMs, pause } from './pause.ts';
export type { Periodic } from './periodic.ts';
export { createPeriodic } from './periodic.ts';
export { within } from './within.ts';
