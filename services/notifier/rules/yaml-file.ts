import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';

/** Uses of one anchor: enough to share a list of destinations, too few to blow a small file up. */
const ALIASES_MAX = 100;

export type Path = readonly (string | number)[];

/** One thing that is wrong with the file. */
export interface Problem {
  readonly line: number;
  readonly text: string;
}

/** A YAML file as data, with the line of everything in it. */
export interface YamlFile {
  readonly data: unknown;
  /** The line of what is at `path`, or of the nearest thing around it; counted from 1. */
  readonly lineOf: (path: Path) => number;
}

export const parseYaml = (source: string): { readonly file: YamlFile; readonly problems: readonly Problem[] } => {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  // The first only: those that follow mostly come of it. What the parser quotes of the file is left out.
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined)
    return broken([{ line: lines.linePos(wrong.pos[0]).line, text: wrong.message.replace(/:? "[\s\S]*$/, '') }]);
  try {
    const data: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    return { file: { data, lineOf: (path) => lines.linePos(offsetOf(document, path)).line }, problems: [] };
  } catch (error) {
    return broken([{ line: 1, text: error instanceof Error ? error.message : String(error) }]);
  }
};

const broken = (problems: readonly Problem[]) => ({ file: { data: undefined, lineOf: () => 1 }, problems });

/** Where the key (or the list item) at `path` begins. An alias has the line where it is written, not where its anchor is. */
const offsetOf = (document: Document, path: Path): number => {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (!isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find(({ key }) => (isScalar(key) ? String(key.value) : String(key)) === String(step))
      : undefined;
    const next: unknown = pair === undefined ? node.get(step, true) : pair.value;
    const marker: unknown = pair === undefined ? next : pair.key;
    if (!isNode(marker) || !marker.range) break;
    offset = marker.range[0];
    node = next;
  }
  return offset;
};

/** What zod found wrong below `path`, in words, each with its line. Never shows a value: it might be a secret in the wrong place. */
export const problemsOf = (file: YamlFile, path: Path, error: z.ZodError): readonly Problem[] =>
  error.issues.flatMap((issue): Problem[] => {
    const at = [...path, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        line: file.lineOf([...at, key]),
        text: `${shown([...at, key])}: there is no such key`,
      }));
    }
    return [{ line: file.lineOf(at), text: `${shown(at)}: ${issue.message}` }];
  });

/** A path as a person writes it: `rules[2].when`. */
export const shown = (path: Path): string =>
  path.length === 0
    ? 'file'
    : path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
