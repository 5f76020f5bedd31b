import type { z } from 'zod';
import { isRecord } from '#rules';
import { problemAt } from './yaml-file.ts';
import type { Path, Problem, YamlFile } from './yaml-file.ts';

export interface ReadShape<Data> {
  /** Null where nothing can be read at all. */
  readonly data: Data | null;
  /** What is wrong and told already: in its place stands nothing, or a stand-in that means nothing. */
  readonly wrong: readonly Path[];
}

/** What stands in for a required value that is wrong, by its path below the value that is read. */
export type StandIns = Readonly<Record<string, unknown>>;

/** Keys whose parts are mended one by one, so that a mistake in one of them does not hide those in others. */
const IN_PARTS: ReadonlySet<unknown> = new Set(['if', 'reminders']);

/**
 * Reads the value at `path`. What is wrong with its shape goes to `problems`, and the rest is read all the same: one
 * mistake must not hide another. Never shows a value: it might be a secret in the wrong place.
 */
export const readShape = <Shape extends z.ZodType>(
  file: YamlFile,
  path: Path,
  { shape, value, standIns }: { readonly shape: Shape; readonly value: unknown; readonly standIns: StandIns },
  problems: Problem[],
): ReadShape<z.output<Shape>> => {
  const read = shape.safeParse(value);
  if (read.success) return { data: read.data, wrong: [] };
  const found = read.error.issues.flatMap((issue): readonly { readonly at: Path; readonly text: string }[] => {
    const at = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ at: [...at, key], text: 'there is no such key' }))
      : [{ at, text: issue.message }];
  });
  // What is said of the whole comes of what is said of its part.
  const isOfAPart = ({ at }: { readonly at: Path }): boolean =>
    !found.some((other) => other.at.length > at.length && at.every((step, index) => other.at[index] === step));
  problems.push(...found.filter(isOfAPart).map(({ at, text }) => problemAt(file, [...path, ...at], text)));
  if (!isRecord(value)) return { data: null, wrong: [[]] };
  const wrong = found.map(({ at }) => at.slice(0, IN_PARTS.has(at[0]) ? 2 : 1));
  const rest = wrong.reduce((left, at) => without(left, at, standIns[at.join('.')]), value);
  const again = shape.safeParse(rest);
  return { data: again.success ? again.data : null, wrong };
};

/** `of` with another value at `at`, or with none. */
const without = (
  of: Readonly<Record<string, unknown>>,
  [key, ...below]: Path,
  standIn: unknown,
): Readonly<Record<string, unknown>> => {
  if (key === undefined) return of;
  const inner = of[key];
  const { [key]: _left, ...others } = of;
  if (below.length > 0 && isRecord(inner)) return { ...others, [key]: without(inner, below, standIn) };
  return standIn === undefined ? others : { ...others, [key]: standIn };
};
