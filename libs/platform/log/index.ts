import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';
export { codeOf, codes } from './codes.ts';
export type { Code } from './codes.ts';

/**
 * JSON lines on stdout, one wide line per unit of work. Never log a body, a header value, a secret or a setting's value: ids,
 * names, counts and reasons only. `err` is reduced to type, message, code and stack, because a driver's error object can carry
 * the values of a query; and no message keeps a value that it quotes.
 */
export const createLogger = (program: string, level: string, destination?: { write: (line: string) => void }): Logger =>
  pino(
    {
      level,
      // A process may run several services; each has a child logger with its own `service`.
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err: describeError,
        reason: (reason: unknown) => (typeof reason === 'string' ? withoutValues(reason) : reason),
      },
    },
    ...(destination === undefined ? [] : [destination]),
  );

const describeError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return { message: withoutValues(String(error)) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { type: error.name, message: withoutValues(error.message), ...code, stack: withoutValues(error.stack ?? '') };
};

/** Quoted text, and the word before it where that says that it is a name of ours in Postgres. */
const QUOTED = /(\b(?:column|constraint|database|function|index|relation|role|schema|table) )?"[^"]*"/g;

/**
 * Postgres quotes what it could not use (`invalid input syntax for type integer: "…"`), and so does JSON.parse: the text of a body.
 * The whole message of an event that was refused is kept in Postgres beside it.
 */
const withoutValues = (text: string): string =>
  text.replaceAll(QUOTED, (quoted, named?: string) => (named === undefined ? '"…"' : quoted));
