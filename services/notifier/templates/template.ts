import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

/**
 * Text with named variables. The grammar is all there is:
 *   template = ( text | variable | optional )*
 *   variable = "{{" spaces name spaces "}}"      name = [a-z] [a-z0-9_]*
 *   optional = "[[" ( text | variable )+ "]]"    at least one variable; left out as a whole when one of them is unknown
 * The four brackets have no other meaning and cannot be written literally. No logic and no raw output: what a variable
 * becomes is escaped by the channel, so a value can never be markup.
 */
export interface Template {
  readonly pieces: readonly Piece[];
  /** Every variable it names, once. */
  readonly variables: readonly string[];
}
type Leaf = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'variable'; readonly name: string };
type Piece = Leaf | { readonly kind: 'optional'; readonly pieces: readonly Leaf[] };

/** In UTF-16 units; a Slack section takes 3000 characters. */
const TEMPLATE_LENGTH_MAX = 4_000;
const NAME = /^[a-z][a-z0-9_]*$/;
const TOKEN = /\{\{|\}\}|\[\[|\]\]/;
/** What stands for a variable that is unknown, outside of an optional part. */
const UNKNOWN_VALUE = 'unknown';

export const parseTemplate = (source: string): Parsed<Template> => {
  if (source.trim() === '') return unparsed('is empty');
  if (source.length > TEMPLATE_LENGTH_MAX) return unparsed(`is longer than ${TEMPLATE_LENGTH_MAX} characters`);
  const pieces: Piece[] = [];
  const variables = new Set<string>();
  let optional: { readonly at: number; readonly pieces: Leaf[] } | null = null;
  let at = 0;
  const add = (leaf: Leaf): void => void (optional?.pieces ?? pieces).push(leaf);
  const addText = (text: string): void => {
    if (text !== '') add({ kind: 'text', text });
  };

  for (;;) {
    const rest = source.slice(at);
    const token = TOKEN.exec(rest);
    if (token === null) {
      if (optional !== null) return wrong(source, optional.at, '"[[" is never closed with "]]"');
      addText(rest);
      return parsed({ pieces, variables: [...variables] });
    }
    addText(rest.slice(0, token.index));
    const here = at + token.index;
    at = here + token[0].length;
    if (token[0] === '{{') {
      const end = source.indexOf('}}', at);
      if (end === -1) return wrong(source, here, '"{{" is never closed with "}}"');
      const name = source.slice(at, end).trim();
      if (!NAME.test(name))
        return wrong(
          source,
          here,
          `${JSON.stringify(name)} is no name of a variable: small letters, digits and _ only`,
        );
      variables.add(name);
      add({ kind: 'variable', name });
      at = end + 2;
    } else if (token[0] === '[[') {
      if (optional !== null) return wrong(source, here, 'an optional part "[[" cannot stand inside another');
      optional = { at: here, pieces: [] };
    } else if (token[0] === ']]' && optional !== null) {
      if (!optional.pieces.some(({ kind }) => kind === 'variable'))
        return wrong(source, optional.at, 'an optional part needs a variable that decides whether it is shown');
      pieces.push({ kind: 'optional', pieces: optional.pieces });
      optional = null;
    } else {
      return wrong(source, here, `"${token[0]}" closes nothing`);
    }
  }
};

const wrong = (source: string, at: number, what: string): Parsed<never> => {
  const before = source.slice(0, at).split('\n');
  const where = source.includes('\n') ? `line ${before.length} of the text, character` : 'character';
  return unparsed(`${what} (${where} ${(before.at(-1)?.length ?? 0) + 1})`);
};

/** How the two parts of a message are written in one kind of text. */
export interface Escapes {
  /** The template's own words, written by the operator. */
  readonly text: (text: string) => string;
  /** What a variable became, written by anybody. */
  readonly value: (value: string) => string;
}

/** Fills a template. `valueOf` answers undefined for what is unknown. Pure, never throws. */
export const fillTemplate = (
  { pieces }: Template,
  valueOf: (name: string) => string | undefined,
  escapes: Escapes,
): string => {
  const fill = (leaf: Leaf): string =>
    leaf.kind === 'text' ? escapes.text(leaf.text) : escapes.value(valueOf(leaf.name) ?? UNKNOWN_VALUE);
  return pieces
    .map((piece) => {
      if (piece.kind !== 'optional') return fill(piece);
      const isShown = piece.pieces.every((leaf) => leaf.kind === 'text' || valueOf(leaf.name) !== undefined);
      return isShown ? piece.pieces.map(fill).join('') : '';
    })
    .join('');
};
