export const noteKinds = ['contradiction', 'unknown_value', 'unreadable'] as const;
/**
 * What is odd about an event that was applied all the same: its name, its snapshot and what was known exclude each
 * other; it shows a value that no list has; something in it cannot be read and counts as unknown.
 */
export type NoteKind = (typeof noteKinds)[number];

/** Goes into the audit row as its reason, and into a counter by kind. */
export interface Note {
  readonly kind: NoteKind;
  /** In a sentence for a person, without a full stop. */
  readonly text: string;
}

/** Longest piece of a body that a note repeats, in UTF-16 units. */
const QUOTE_LENGTH_MAX = 60;

/** A piece of a body for a note: cut, and without what a terminal or Postgres could take amiss. */
export const quoted = (text: string): string =>
  JSON.stringify(text.slice(0, QUOTE_LENGTH_MAX).toWellFormed()).replaceAll(String.raw`\u0000`, '?');
