export type { Aggregate } from './aggregate.ts';
export { aggregatesOf, allAggregates } from './aggregates.ts';
export type { ColumnSpec } from './columns.ts';
export { columnSpec, rowSpec } from './columns.ts';
