import { pino } from 'pino';
import type { Logger, LoggerOptions } from 'pino';
import { onlyListed } from './fields.ts';
import { prettyLine } from './pretty.ts';
import { createRepeats, gistOfLine } from './repeats.ts';

export type { Logger } from 'pino';
export { goOnWithClosedPipe } from './closed-pipe.ts';
export { codeOf, codes } from './codes.ts';
export type { Code } from './codes.ts';
export { createLevelSwitch } from './level.ts';

/**
 * JSON lines on stdout, one wide line per unit of work; in a terminal as a person reads them. Never log a body, a
 * header value, a secret or a setting's value: ids, names, counts and reasons only, and only under the names of
 * fields.ts. `err` is reduced to type, message, code and stack, because a driver's error object can carry the values of
 * a query; and no message keeps a value that it quotes. A warning or an error that says the same as one a moment ago is
 * counted, and logged again once with their number.
 */
export const createLogger = (
  program: string,
  level: string,
  destination: { readonly write: (line: string) => void } | undefined = terminal(),
): Logger =>
  pino(
    {
      level,
      // A process may run several services; each has a child logger with its own `service`.
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: onlyListed, bindings: onlyListed },
      hooks: { logMethod: withoutRepeats() },
      serializers: {
        err: describeError,
        reason: (reason: unknown) => (typeof reason === 'string' ? withoutValues(reason) : reason),
      },
    },
    ...(destination === undefined ? [] : [destination]),
  );

/** Undefined where stdout is no terminal. */
const terminal = (): { readonly write: (line: string) => void } | undefined =>
  process.stdout.isTTY ? { write: (line) => void process.stdout.write(prettyLine(line)) } : undefined;

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>;

const WARN = pino.levels.values['warn'] ?? 0;

const withoutRepeats = (): LogMethod => {
  const repeats = createRepeats();
  return function (args, method, level) {
    if (level < WARN) return method.apply(this, args);
    repeats.admit(gistOfLine([String(level), JSON.stringify(this.bindings()), ...args]), (repeated) => {
      const [first, ...rest] = args as readonly unknown[];
      const fields = typeof first === 'object' ? first : undefined;
      const line = fields === undefined ? [{ repeated }, first, ...rest] : [{ ...fields, repeated }, ...rest];
      method.apply(this, repeated === 0 ? args : (line as typeof args));
    });
  };
};

const describeError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return { message: withoutValues(String(error)) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { type: error.name, message: withoutValues(error.message), ...code, stack: withoutValues(error.stack ?? '') };
};

/** Quoted text, and the word before it where that says that it is a name of ours in Postgres. */
const QUOTED = /(\b(?:column|constraint|database|function|index|relation|role|schema|table) )?"[^"]*"/g;

/**
 * Postgres quotes what it could not use (`invalid input syntax for type integer: "…"`), and so does JSON.parse: the
 * text of a body. The whole message of an event that was refused is kept in Postgres beside it.
 */
const withoutValues = (text: string): string =>
  text.replaceAll(QUOTED, (quoted, named?: string) => (named === undefined ? '"…"' : quoted));
