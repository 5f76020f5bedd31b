import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

/**
 * JSON lines on stdout, one wide line per unit of work. Never log a body, a header value, a secret or a setting's value: ids,
 * names, counts and reasons only. `err` is reduced to type, message, code and stack, because a driver's error object can carry
 * the values of a query.
 */
export const createLogger = (service: string, level: string, destination?: { write: (line: string) => void }): Logger =>
  pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    ...(destination === undefined ? [] : [destination]),
  );

const describeError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { type: error.name, message: error.message, ...code, stack: error.stack };
};
