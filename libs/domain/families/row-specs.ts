import type { Family } from '#catalogue';
import type { Field } from '#rules';
import { aggregateOf } from './aggregates.ts';

/** One column of a state table, as rules of notifications and readers outside of its service see it. */
export type ColumnSpec = Pick<Field, 'type' | 'personal' | 'values' | 'words' | 'searchedAs'>;

/** What of a state table others may rely on: the statuses and fields of its family's lifecycle. */
export interface RowSpec {
  readonly statuses: readonly string[];
  /**
   * Without the key column and `status`, which every table has. Times
   * are epoch milliseconds, `*_minor` minor units of `currency`.
   */
  readonly columns: Readonly<Record<string, ColumnSpec>>;
}

export const rowSpec = (family: Family): RowSpec => {
  const { statuses, fields } = aggregateOf(family);
  return { statuses, columns: fields };
};

/** The column's spec, `status` included; undefined when the family has no such column. */
export const columnSpec = (family: Family, name: string): ColumnSpec | undefined => {
  const { statuses, columns } = rowSpec(family);
  if (name === 'status') return { type: 'text', personal: false, values: statuses, words: 'Where it stands.' };
  return Object.hasOwn(columns, name) ? columns[name] : undefined;
};
