import type { HistoryEntry } from '#operate';
import { bodyOf } from './export-lines.ts';
import { print, printList, printTable, printWhole } from './output.ts';
import { timeOf } from './times.ts';

/** Most entries that one `show` prints. */
export const SHOW_MAX = 20;

/**
 * An entry as it is printed or exported: the body as text where it is
 * wanted, or only how long it is. It holds personal data.
 */
export const presentable = <Entry extends { readonly rawBody: Buffer }>(
  { rawBody, ...entry }: Entry,
  withBody: boolean,
): Omit<Entry, 'rawBody'> & { readonly bodyBytes: number } => ({
  ...entry,
  bodyBytes: rawBody.length,
  ...(withBody && bodyOf(rawBody)),
});

const BODIES = ['body', 'bodyBase64'];

/** `name  value` lines of what is neither empty nor a structure of its own. */
export const printFields = (entry: object): void => {
  const fields = Object.entries(entry)
    .map(([name, value]: [string, unknown]): [string, string] => [name, scalar(value)])
    .filter(([, text]) => text !== '');
  printList(fields.filter(([name]) => !BODIES.includes(name)));
  // A body is printed as it is: broken into lines it would be another one.
  for (const [name, text] of fields) if (BODIES.includes(name)) printWhole(`${name}  ${text}`);
};

const scalar = (value: unknown): string => {
  if (value instanceof Date) return timeOf(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
};

/** The entity's lines of audit_logs. */
export const printHistory = (history: readonly HistoryEntry[]): void => {
  if (history.length === 0) return;
  print('\nwhat happened to this entity, the newest first:');
  printTable([
    ['at', 'who', 'what', 'event', 'verdict', 'reason'],
    ...history.map(({ at, actor, action, event, eventId, verdict, reason }) => [
      timeOf(at),
      actor,
      action,
      event ?? eventId ?? '',
      verdict ?? '',
      reason ?? '',
    ]),
  ]);
};
