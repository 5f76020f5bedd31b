import { parseArgs } from 'node:util';
import { projectOf } from './test-projects.cjs';
import type { Project } from './test-projects.cjs';

/** What `npm test -- …` was asked for: whole parts by name, or test files by path, each in its project of jest. */
export type Request =
  | { readonly parts: readonly string[] }
  | {
      readonly files: ReadonlyMap<Project, readonly string[]>;
      readonly name: string | undefined;
      readonly seed: number | undefined;
    };

export const USAGE = `npm test [-- PART… | FILE… [-t NAME] [--seed=N]]

Without arguments: every part, servers included. npm run check: the quick parts, which need no server.
  PART       a part by its name, for example: npm test -- lint unit
  FILE       test files by path; servers come up only where a file needs them
  -t NAME    of these files, only the tests whose name matches this regular expression
  --seed=N   of these files, begin every property from this seed of fast-check
`;

const unusable = (message: string) => ({ ok: false, message }) as const;

/** Reads the arguments; `known` are the names of the parts, `quick` those of `--quick`. */
export const readRequest = (
  args: readonly string[],
  known: readonly string[],
  quick: readonly string[],
): { readonly ok: true; readonly request: Request } | { readonly ok: false; readonly message: string } => {
  const options = {
    quick: { type: 'boolean' },
    testNamePattern: { type: 'string', short: 't' },
    seed: { type: 'string' },
  } as const;
  let read;
  try {
    read = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = read;
  const files = positionals.filter((path) => path.endsWith('.test.ts'));
  const parts = positionals.filter((name) => !files.includes(name));
  const unknown = parts.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    return unusable(`no part and no test file is called ${unknown.join(', ')}; the parts are ${known.join(', ')}`);
  if (files.length > 0 && parts.length > 0) return unusable('give parts or test files, not both');
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  if (seed !== undefined && !Number.isInteger(seed))
    return unusable(`--seed is ${values.seed ?? ''}; give the whole number that fast-check printed`);
  if (files.length === 0) {
    if (values.testNamePattern !== undefined || seed !== undefined)
      return unusable('-t and --seed need test files: npm test -- FILE -t NAME');
    return { ok: true, request: { parts: parts.length > 0 ? parts : values.quick === true ? quick : known } };
  }
  const byProject = Map.groupBy(files, (file): Project => projectOf(file) ?? 'unit');
  return { ok: true, request: { files: byProject, name: values.testNamePattern, seed } };
};
