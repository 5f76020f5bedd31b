/** One column of rows that a statement takes as arrays: one array a column, whatever the number of rows. */
export interface Column<Row> {
  readonly name: string;
  /** Element type of its array in Postgres. */
  readonly type: string;
  readonly of: (row: Row) => unknown;
}

/**
 * `unnest(…) AS given (…)` over the columns; their arrays are the parameters from number `first` on, see `arraysOf`.
 */
export const unnested = <Row>(columns: readonly Column<Row>[], first: number, alias: string): string =>
  `unnest(${columns.map(({ type }, index) => `$${first + index}::${type}[]`).join(', ')}) AS ${alias} ` +
  `(${columns.map(({ name }) => name).join(', ')})`;

/** The parameters of `unnested`. */
export const arraysOf = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly (readonly unknown[])[] =>
  columns.map(({ of }) => rows.map(of));
