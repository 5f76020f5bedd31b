import type { Field, FieldValue, Snapshot } from './field.ts';
import { foldInto } from './fold.ts';
import { quoted } from './note.ts';
import type { Note } from './note.ts';

/** Most fields that one event's notes name; a body that is odd throughout is described by its first. */
const NOTES_MAX = 12;

export interface FieldsRead {
  readonly values: Readonly<Record<string, FieldValue>>;
  readonly notes: readonly Note[];
}

/** Reads every field of a snapshot, and names what cannot be read and what no list of values has. */
export const readFields = (fields: Readonly<Record<string, Field>>, snapshot: Snapshot): FieldsRead => {
  const values: Record<string, FieldValue> = {};
  const notes: Note[] = [];
  for (const name in fields) {
    const field = fields[name] as Field;
    const value = field.read(snapshot);
    if (value === undefined) {
      if (field.isUnreadable?.(snapshot) === true)
        notes.push({ kind: 'unreadable', text: `${name} cannot be read and counts as unknown` });
      continue;
    }
    if (value === null && field.rule !== 'clearable') continue;
    values[name] = value;
    if (field.values !== undefined && typeof value === 'string' && foldInto(field.values, value) === undefined)
      notes.push({ kind: 'unknown_value', text: `${name} ${quoted(value)} is not known` });
  }
  return { values, notes: notes.slice(0, NOTES_MAX) };
};
