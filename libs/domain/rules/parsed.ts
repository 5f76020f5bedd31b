/** A value, or what is wrong with it in words for a person. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly issues: readonly string[] };

export const parsed = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
export const unparsed = (...issues: readonly string[]): Parsed<never> => ({ ok: false, issues });
