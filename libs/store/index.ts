export type { Aggregate } from './aggregate.ts';
export { defineAggregate } from './aggregate.ts';
