const NEEDS_ESCAPE = /["\\]/;

const element = (value: unknown): string => {
  if (typeof value === 'string') return `"${NEEDS_ESCAPE.test(value) ? value.replaceAll(/["\\]/g, '\\$&') : value}"`;
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  throw new TypeError(`an array for Postgres may not hold a ${typeof value}`);
};

/**
 * An array as Postgres reads it (postgresql.org/docs/current/arrays.html, "Array Input and Output Syntax"). Does what
 * the driver does for flat arrays in less than half the time; batches consist of little else.
 */
export const arrayLiteral = (values: readonly unknown[]): string => `{${values.map(element).join(',')}}`;
