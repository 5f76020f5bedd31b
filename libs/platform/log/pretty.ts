import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];
const styles: Readonly<Record<string, Style>> = {
  fatal: ['bold', 'red'],
  error: 'red',
  warn: 'yellow',
  info: 'green',
  debug: 'cyan',
  trace: 'gray',
};
const LEVEL_WIDTH = 5;
/** `2026-11-28T10:11:12.345Z` without the day and the zone. */
const [CLOCK_FROM, CLOCK_TO] = [11, 23];

/**
 * A line of JSON as a person reads it in a terminal: time, level,
 * service, what happened, then the fields. pino-pretty would replace it.
 */
export const prettyLine = (line: string): string => {
  const { level, time, program, service, msg, err, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const { message, stack, ...error } = (err ?? {}) as Readonly<Record<string, unknown>>;
  const shown = Object.entries({ ...fields, ...(message === undefined ? {} : { error: message, ...error }) });
  const parts = [
    styleText('gray', String(time).slice(CLOCK_FROM, CLOCK_TO)),
    styleText(styles[String(level)] ?? 'reset', String(level).toUpperCase().padEnd(LEVEL_WIDTH)),
    styleText('blue', String(service ?? program)),
    typeof msg === 'string' ? msg : '',
    ...shown.map(([name, value]) =>
      styleText('gray', `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
    ),
  ];
  return `${parts.join(' ')}\n${typeof stack === 'string' ? `${styleText('gray', stack)}\n` : ''}`;
};
