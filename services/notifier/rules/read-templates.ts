import { parseTemplate } from '../templates/template.ts';
import type { Words } from '../templates/words.ts';
import { isName, NO_NAME, wordsShape } from './shapes.ts';
import { readShape } from './read-shape.ts';
import { problemAt } from './yaml-file.ts';
import type { Path, Problem, YamlFile } from './yaml-file.ts';

/** Words together with where they stand, so that a variable that is unknown to a rule is reported at the template. */
export interface PlacedWords {
  readonly path: Path;
  readonly words: Words;
}

/** Words that name no variable. */
const STAND_INS = { title: '-', text: '-' };

export const readTemplates = (
  file: YamlFile,
  given: Readonly<Record<string, unknown>>,
  problems: Problem[],
): ReadonlyMap<string, PlacedWords> => {
  const templates = new Map<string, PlacedWords>();
  for (const [name, value] of Object.entries(given)) {
    const path = ['templates', name];
    if (!isName(name)) problems.push(problemAt(file, path, NO_NAME));
    const { data } = readShape(file, path, { shape: wordsShape, value, standIns: STAND_INS }, problems);
    const words = data === null ? undefined : readWords(file, path, data, problems);
    if (words !== undefined) templates.set(name, words);
  }
  return templates;
};

/** Parses the title and the text that stand below `path`. */
export const readWords = (
  file: YamlFile,
  path: Path,
  given: { readonly title: string; readonly text: string },
  problems: Problem[],
): PlacedWords | undefined => {
  const [title, text] = [parseTemplate(given.title), parseTemplate(given.text)];
  for (const [key, read] of [
    ['title', title],
    ['text', text],
  ] as const) {
    if (!read.ok) problems.push(...read.issues.map((issue) => problemAt(file, [...path, key], issue)));
  }
  if (title.ok && title.value.pieces.some((piece) => piece.kind === 'text' && piece.text.trim().includes('\n'))) {
    problems.push(problemAt(file, [...path, 'title'], 'must be one line'));
    return undefined;
  }
  return title.ok && text.ok ? { path, words: { title: title.value, text: text.value } } : undefined;
};
