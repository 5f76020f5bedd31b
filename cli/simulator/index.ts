export type { BuildOptions } from './builders/index.ts';
export { buildEvent } from './builders/index.ts';
export type { SimulatedEvent } from './simulated-event.ts';
export { bodyOf, headersOf, sign } from './wire.ts';
