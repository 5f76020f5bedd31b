import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { eventSpec, familyNames, isEventName } from '#catalogue';
import type { Family } from '#catalogue';
import type { PendingFilter } from '#operate';
import { readDuration } from '#platform/time';
import type { Candidate } from './bulk.ts';
import { currentUser } from './connections.ts';
import { UsageError, wholeNumber } from './output.ts';

/** What the commands about parked events, dead letters and the quarantine have in common: which of them are meant. */
export interface FilterOptions {
  readonly family?: Family;
  readonly event?: string;
  readonly key?: string;
  readonly cause?: string;
  /** In ms. */
  readonly olderThan?: number;
  readonly newerThan?: number;
}

/** A filter as the store takes it; its limit is the command's. */
export type Filter = Omit<PendingFilter, 'limit'>;

export interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly json: boolean;
}

/** What `withDecision` reads. */
export interface DecisionOptions {
  readonly yes: boolean;
  readonly who: string;
  readonly reason: string;
  readonly json: boolean;
}

export interface ActOptions extends FilterOptions, DecisionOptions {
  readonly all?: boolean;
}

/** Lines of a list unless --limit says otherwise, and at most. */
const [LIST_DEFAULT, LIST_MAX] = [100, 100_000];
/** The rule of every command that changes something; a part of its help. */
export const DRY_RUN_RULE = 'Without --yes it only shows what it would do.';

/**
 * Which entries: what is not given leaves none out. `events`: those
 * of the catalogue, or any name, as the quarantine has.
 */
export const withFilters = (command: Command, events: Events = 'catalogue'): Command =>
  withEventAndCause(
    command
      .addOption(new Option('--family <name>', 'only of this family').choices(familyNames))
      .option('--key <id>', 'only of the entity with this id'),
    events,
  );

type Events = 'catalogue' | 'any';

/** The filters that hold for the quarantine too, where nothing has an entity. */
export const withEventAndCause = (command: Command, events: Events = 'any'): Command =>
  command
    .option('--event <name>', 'only of this event', events === 'catalogue' ? catalogueEvent : (text: string) => text)
    .option('--cause <text>', 'only where the reason contains this text');

export const withAges = (command: Command): Command =>
  command
    .option('--older-than <time>', 'only what is older, for example 90s, 30m, 2h or 1d', duration)
    .option('--newer-than <time>', 'only what is newer', duration);

export const withPrinting = (command: Command): Command =>
  command
    .option('--limit <n>', 'print at most so many, the oldest first', wholeNumber(1, LIST_MAX), LIST_DEFAULT)
    .option('--json', 'print one JSON object', false);

export const withList = (command: Command): Command => withPrinting(withAges(withFilters(command)));

/** `reason`: what audit_logs has without --reason; null when one must be given. */
export const withAction = (command: Command, reason: string | null): Command =>
  withDecision(command.option('--all', 'everything that there is, instead of a filter'), reason);

/** The same for a command that has no `--all`. */
export const withDecision = (command: Command, reason: string | null): Command => {
  const withWhom = command
    .option('--yes', 'do it', false)
    .option('--who <name>', 'who decides, kept in audit_logs', currentUser());
  return (
    reason === null
      ? withWhom.requiredOption('--reason <text>', 'why; kept in audit_logs', notEmpty)
      : withWhom.option('--reason <text>', 'why; kept in audit_logs', notEmpty, reason)
  ).option('--json', 'print one JSON object', false);
};

/** Throws for filters that nothing can pass. */
export const filterOf = ({ family, event, key, cause, olderThan, newerThan }: FilterOptions): Filter => {
  if (family !== undefined && event !== undefined && isEventName(event) && eventSpec(event).family !== family) {
    throw new UsageError(
      `--family ${family} and --event ${event} exclude each other: that event is of the family ` +
        `${eventSpec(event).family}.`,
    );
  }
  if (olderThan !== undefined && newerThan !== undefined && olderThan >= newerThan) {
    throw new UsageError(
      '--older-than and --newer-than exclude each other: nothing is both. Give a longer time to --newer-than.',
    );
  }
  return {
    ...(family !== undefined && { family }),
    ...(event !== undefined && { event }),
    ...(key !== undefined && { key }),
    ...(cause !== undefined && { cause }),
    ...(olderThan !== undefined && { olderThanMs: olderThan }),
    ...(newerThan !== undefined && { newerThanMs: newerThan }),
  };
};

/** The part of a filter that is not about time, for what Postgres has not filtered. */
export const passes = ({ family, event, key, cause }: Candidate, filter: Filter): boolean =>
  (filter.family ?? family) === family &&
  (filter.event ?? event) === event &&
  (filter.key ?? key) === key &&
  cause.toLowerCase().includes((filter.cause ?? '').toLowerCase());

/** `filterOf` for a command that changes something: everything must be meant, as soon as it is more than a look. */
export const actionFilterOf = (options: FilterOptions & { readonly all?: boolean; readonly yes: boolean }): Filter => {
  const filter = filterOf(options);
  mustSayWhich(filter, options, '--family, --event, --key or --cause');
  return filter;
};

/** Throws unless it is said what is meant. `such`: filters that there are. */
export const mustSayWhich = (
  filter: object,
  { all, yes }: { readonly all?: boolean; readonly yes: boolean },
  such: string,
): void => {
  const isFiltered = Object.keys(filter).length > 0;
  if (isFiltered && all === true) throw new UsageError('--all and a filter exclude each other: give one of them.');
  if (!isFiltered && yes && all !== true) throw new UsageError(`Say which: give a filter such as ${such}, or --all.`);
};

const catalogueEvent = (text: string): string => {
  if (isEventName(text)) return text;
  throw new InvalidArgumentError('The catalogue has no such event; docs/events.md has those there are.');
};

const notEmpty = (text: string): string => {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Give a reason that others will understand.');
};

/** Ten years. */
const DURATION_MAX_MS = 3_650 * 86_400_000;

/** Reads `90s`, `30m`, `2h` or `1d` as ms. */
export const duration = (text: string): number => {
  const ms = readDuration(text, ['s', 'm', 'h', 'd'], DURATION_MAX_MS);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Give a time such as 90s, 30m, 2h or 1d, at most 3650d.');
};
