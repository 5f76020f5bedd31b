import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { isRecord } from '#rules';
import { isName } from './shapes.ts';

/** Uses of one anchor: enough to share a list of destinations, too few to blow a small file up. */
const ALIASES_MAX = 100;

export type Path = readonly (string | number)[];

/** One thing that is wrong with the file. */
export interface Problem {
  readonly line: number;
  /** Where in the file, by the names of things; null where it is no YAML. */
  readonly at: string | null;
  readonly text: string;
}

/** As it is told. */
export const inWords = ({ at, text }: Problem): string => (at === null ? text : `${at}: ${text}`);

/** A YAML file as data, with the line of everything in it. */
export interface YamlFile {
  readonly data: unknown;
  /** The line of what is at `path`, or of the nearest thing around it; counted from 1. */
  readonly lineOf: (path: Path) => number;
}

/**
 * `file` is null where the source is no YAML. A key that stands twice
 * is a problem, and keeps nothing else from being read.
 */
export const parseYaml = (
  source: string,
): { readonly file: YamlFile | null; readonly problems: readonly Problem[] } => {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  // What the parser quotes of the file is left out.
  const problemOf = ({ pos, message }: YAMLError): Problem => ({
    line: lines.linePos(pos[0]).line,
    at: null,
    text: message.replace(/:? "[\s\S]*$/, ''),
  });
  const wrong = [...document.errors, ...document.warnings];
  // The first only: those that follow mostly come of it.
  const first = wrong.find(({ code }) => code !== 'DUPLICATE_KEY');
  if (first !== undefined) return { file: null, problems: [problemOf(first)] };
  try {
    const data: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    return {
      file: { data, lineOf: (path) => lines.linePos(offsetOf(document, path)).line },
      problems: wrong.map(problemOf),
    };
  } catch (error) {
    return {
      file: null,
      problems: [{ line: 1, at: null, text: error instanceof Error ? error.message : String(error) }],
    };
  }
};

/**
 * Where the key (or the list item) at `path` begins. An alias has the
 * line where it is written, not where its anchor is.
 */
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

export const problemAt = (file: YamlFile, path: Path, text: string): Problem => ({
  line: file.lineOf(path),
  at: shown(file, path),
  text,
});

/**
 * A path as a person writes it: `destinations.log.type`,
 * `rules.refunds.when`, `rules[2].when` of a rule that has no name.
 */
const shown = ({ data }: YamlFile, [head, ...others]: Path): string => {
  if (head === undefined) return 'file';
  const [second, ...rest] = others;
  const named = head === 'rules' && typeof second === 'number' ? nameOfRule(data, second) : undefined;
  const steps = named === undefined ? others : [named, ...rest];
  return [head, ...steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))].join('');
};

const nameOfRule = (data: unknown, index: number): string | undefined => {
  const rules = isRecord(data) ? data['rules'] : undefined;
  const rule: unknown = Array.isArray(rules) ? rules[index] : undefined;
  const name = isRecord(rule) ? rule['name'] : undefined;
  return typeof name === 'string' && isName(name) ? name : undefined;
};
