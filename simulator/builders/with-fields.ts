import type { JsonValue } from '#rules';
import type { Json, Parts } from '../wire.ts';

/**
 * A field of a body and its value: the names on the way to it, from the subject, or from an entity that lies beside it.
 */
export interface FieldValue {
  readonly path: readonly [string, ...string[]];
  readonly value: JsonValue;
}

/**
 * Sets fields: `['amount']` is the subject's; `['payment', 'status']` is the payment's where the body holds a payment
 * beside its subject, else a field inside the subject's `payment`. What is missing on the way is made.
 */
export const withFields = (parts: Parts, subject: string, fields: readonly FieldValue[]): Parts =>
  fields.reduce((all, { path: [first, ...rest], value }) => {
    const [part, inside] =
      first !== subject && rest.length > 0 && first in all ? [first, rest] : [subject, [first, ...rest]];
    return { ...all, [part]: setIn(all[part] ?? {}, inside, value) };
  }, parts);

const setIn = (holder: Json, [name, ...rest]: readonly string[], value: JsonValue): Json => {
  if (name === undefined) return holder;
  const inner = holder[name];
  const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
  return { ...holder, [name]: rest.length === 0 ? value : setIn(isObject ? (inner as Json) : {}, rest, value) };
};
