/**
 * What a label may say. `values` null: a fixed few that this
 * deployment names, in `words`. Never an id, a URL or free text.
 */
export interface LabelSet<Value extends string = string> {
  readonly values: readonly Value[] | null;
  readonly words: string;
}

export const oneOf = <const Value extends string>(values: readonly Value[], words = ''): LabelSet<Value> => ({
  values,
  words,
});

/**
 * Values that the deployment names, such as the destinations of its rule file: few, and known before the first event.
 */
export const namedBy = (words: string): LabelSet => ({ values: null, words });

export type Labels = Readonly<Record<string, LabelSet>>;

/**
 * A metric before there is a registry. `movesOnlyWhen`: the trouble or the operator's doing without which its value
 * never changes; a metric without it moves in every healthy run (test/e2e/metrics.integration.test.ts).
 */
export interface Declaration<Kind extends 'counter' | 'gauge' | 'histogram', Of extends Labels> {
  readonly kind: Kind;
  readonly help: string;
  readonly labels: Of;
  readonly movesOnlyWhen?: string;
}

export interface HistogramDeclaration<Of extends Labels> extends Declaration<'histogram', Of> {
  /** Upper bounds in the unit of the name, ascending. */
  readonly buckets: readonly number[];
  /** Whether a bucket can name a trace of what fell into it (an exemplar of OpenMetrics). */
  readonly traced?: boolean;
}

export type AnyDeclaration = Declaration<'counter' | 'gauge', Labels> | HistogramDeclaration<Labels>;

interface More {
  readonly movesOnlyWhen?: string;
}

/** Only grows; the name ends in `_total`. */
export const counter = <const Of extends Labels>(
  help: string,
  labels: Of,
  more: More = {},
): Declaration<'counter', Of> => ({ kind: 'counter', help, labels, ...more });

/** Goes up and down. */
export const gauge = <const Of extends Labels>(
  help: string,
  labels: Of,
  more: More = {},
): Declaration<'gauge', Of> => ({
  kind: 'gauge',
  help,
  labels,
  ...more,
});

export const histogram = <const Of extends Labels>(
  help: string,
  labels: Of,
  buckets: readonly number[],
  more: More & { readonly traced?: boolean } = {},
): HistogramDeclaration<Of> => ({ kind: 'histogram', help, labels, buckets, ...more });
