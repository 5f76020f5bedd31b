/**
 * The ports of one process, by the share of deliveries that is traced on them. Two trace nothing: what lies between
 * them is what the method finds where there is nothing to find.
 */
export const RATIOS = { untraced: undefined, again: undefined, 'traced-1': 0.01, 'traced-100': 1 } as const;
export type Side = keyof typeof RATIOS;
export const sides = Object.keys(RATIOS) as readonly Side[];

/** In the environment of the process: its ports by side, as JSON, and where spans are sent to. */
export const PORTS = 'BENCH_TRACE_PORTS';
export const COLLECTOR = 'BENCH_TRACE_COLLECTOR';
