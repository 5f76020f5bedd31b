import type { Command } from 'commander';
import { exitCodes, messageOf, noneOf, print, printJson, printLine, printTable, warn } from './output.ts';
import { fateOf } from './outcomes.ts';
import type { Fate } from './outcomes.ts';
import type { Filter } from './pending-options.ts';
import { compareWith, forgetPicture, isAllAsShown, printChanges, readPicture, rememberPicture } from './picture.ts';
import type { Changes, ShownItem } from './picture.ts';
import { progressBar } from './progress.ts';

/** One entry that a bulk command acts upon, as far as a person needs it to recognise it. */
export interface Candidate {
  readonly family: string;
  readonly event: string;
  readonly key: string;
  readonly eventId: string;
  readonly cause: string;
}

export interface Group extends Pick<Candidate, 'family' | 'event' | 'cause'> {
  readonly count: number;
}

/** What a bulk command would act upon: how many per family, event and cause, and the first of them. */
export interface Tally {
  readonly count: number;
  readonly groups: readonly Group[];
  readonly first: readonly Candidate[];
}

/** Entries that a dry run shows. */
export const FIRST_MAX = 10;
/** Different groups that are told apart; further ones are counted together. */
const GROUPS_MAX = 200;
/** Characters of a cause in a table; `--json` has all of it. */
const CAUSE_SHOWN = 100;
const OTHERS = '(others)';

export interface Counting {
  readonly add: (candidate: Candidate) => void;
  readonly tally: () => Tally;
}

export const startTally = (): Counting => {
  const groups = new Map<string, Group>();
  const first: Candidate[] = [];
  let count = 0;
  return {
    add: (candidate) => {
      count += 1;
      if (first.length < FIRST_MAX) first.push(candidate);
      const { family, event, cause } = candidate;
      const wanted = JSON.stringify([family, event, cause]);
      const isRoom = groups.has(wanted) || groups.size < GROUPS_MAX;
      const [name, group] = isRoom
        ? [wanted, { family, event, cause }]
        : [OTHERS, { family: OTHERS, event: '', cause: '' }];
      groups.set(name, { ...group, count: (groups.get(name)?.count ?? 0) + 1 });
    },
    tally: () => ({ count, groups: [...groups.values()].sort((a, b) => b.count - a.count), first }),
  };
};

export const tallyOf = (candidates: Iterable<Candidate>): Tally => {
  const counting = startTally();
  for (const candidate of candidates) counting.add(candidate);
  return counting.tally();
};

/** What a command leaves as it is, by the reason. */
export type Left = readonly { readonly reason: string; readonly count: number }[];

export const startLeft = (): { readonly add: (reason: string) => void; readonly list: () => Left } => {
  const counts = new Map<string, number>();
  return {
    add: (given) => {
      const reason = counts.has(given) || counts.size < GROUPS_MAX ? given : OTHERS;
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    },
    list: () => [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count),
  };
};

export const printLeft = (left: Left): void => {
  for (const { reason, count } of left) printLine(`left where they are: ${count} (${shown(reason)})`);
};

/** `would`: what is done to them, for example `would be discarded`. */
export const printDryRun = ({ count, groups, first }: Tally, would: string): void => {
  printTable([
    ['count', 'family', 'event', 'cause'],
    ...groups.map((group) => [group.count, group.family, group.event, shown(group.cause)]),
  ]);
  print(`\nThe first ${first.length} of ${count}:`);
  printTable([
    ['event id', 'event', 'key', 'cause'],
    ...first.map(({ eventId, event, key, cause }) => [eventId, event, key, shown(cause)]),
  ]);
  print(`\n${count} ${would}. Nothing was changed; give --yes to do it.`);
};

/** One line, not too long. */
export const shown = (cause: string): string => {
  const line = cause.replaceAll(/\s+/g, ' ');
  return line.length <= CAUSE_SHOWN ? line : `${line.slice(0, CAUSE_SHOWN - 1)}…`;
};

/** Most entries that one run of a bulk command takes; when there are more it says so. */
export const BULK_MAX = 50_000;

export interface Bulk<Item, Outcome> {
  /** What was asked for; empty for everything. */
  readonly filter: Filter;
  /** At most BULK_MAX, as they were found. */
  readonly items: readonly Item[];
  readonly candidateOf: (item: Item) => Candidate;
  /** What must still hold when an item is acted upon after a dry run. */
  readonly shownOf: (item: Item) => ShownItem;
  /** Takes what was listed into its SQL, and answers `changed` when the item is not so any more. */
  readonly act: (item: Item) => Promise<Outcome>;
  /** One line about what became of an item. */
  readonly describe: (item: Item, outcome: Outcome) => string;
  /** Of the items in a sentence: `parked keys`; and what is done to them: `discarded`. */
  readonly noun: string;
  readonly done: string;
  /** What was found and cannot be acted upon. */
  readonly left?: Left;
}

interface BulkOptions {
  readonly yes: boolean;
  readonly json: boolean;
}

/**
 * The rule of all bulk commands: without --yes what would be done is shown and remembered; with
 * it, it is done one after the other to what is as it was shown, and each outcome that is not as
 * wanted is printed. What somebody else has done meanwhile is as wanted. Exits 1 when one failed
 * or has changed, or when a filter matches nothing. Throws what `act` throws, with how far it got.
 */
export const runBulk = async <Item, Outcome extends Fated>(
  command: Command,
  options: BulkOptions,
  bulk: Bulk<Item, Outcome>,
): Promise<void> => {
  await act(command, options, bulk);
  if (!options.json) printLeft(bulk.left ?? []);
};

export type Fated = { readonly kind: string };

const act = async <Item, Outcome extends Fated>(
  command: Command,
  options: BulkOptions,
  bulk: Bulk<Item, Outcome>,
): Promise<void> => {
  const { items, noun, done, filter } = bulk;
  const left = bulk.left === undefined ? {} : { left: bulk.left };
  if (items.length === BULK_MAX) warn(`These are the first ${BULK_MAX} ${noun}; run the command again for the rest.`);
  const picture = options.yes ? readPicture(command, filter) : undefined;
  if (items.length === 0 && (picture?.items ?? []).length === 0) return nothingMatches(options.json, bulk, left);
  if (!options.yes) {
    const tally = tallyOf(items.map(bulk.candidateOf));
    rememberPicture(command, filter, items.map(bulk.shownOf));
    if (options.json) printJson({ ok: true, executed: false, ...tally, ...left });
    else printDryRun(tally, `${noun} would be ${done}`);
    return;
  }
  const { same, changes } = compareWith(picture, items, bulk.shownOf);
  const outcomes = await actOnEach({ ...bulk, items: same });
  const counts = countFates(
    outcomes.map(({ outcome }) => outcome),
    changes,
  );
  const ok = counts.changed + counts.failed === 0;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (counts.changed === 0 && isAllAsShown(changes)) forgetPicture(command, filter);
  const results = outcomes.map(({ item, outcome }) => ({ ...bulk.candidateOf(item), ...outcome }));
  if (options.json)
    return printJson({
      ok,
      executed: true,
      count: same.length,
      counts,
      results,
      ...(changes !== undefined && { changes }),
      ...left,
    });
  printChanges(changes);
  const told = outcomes.length <= FIRST_MAX ? outcomes : outcomes.filter(({ outcome }) => fateOf(outcome) !== 'done');
  for (const { item, outcome } of told) printLine(bulk.describe(item, outcome));
  print(`${counts.done} of ${same.length} ${noun} ${done}${countsInWords(counts)}`, ok ? 'good' : 'bad');
};

const countFates = (outcomes: readonly Fated[], changes: Changes | undefined): Readonly<Record<Fate, number>> => {
  const counts = { done: 0, meanwhile: changes?.gone.length ?? 0, changed: changes?.changed.length ?? 0, failed: 0 };
  for (const outcome of outcomes) counts[fateOf(outcome)] += 1;
  return counts;
};

const countsInWords = ({ meanwhile, changed }: Readonly<Record<Fate, number>>): string =>
  `${meanwhile === 0 ? '' : `; ${meanwhile} done meanwhile`}${changed === 0 ? '' : `; ${changed} changed and left alone`}`;

const nothingMatches = <Item, Outcome>(json: boolean, { filter, noun }: Bulk<Item, Outcome>, left: object): void => {
  const ok = Object.keys(filter).length === 0;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json) printJson({ ok, executed: false, count: 0, groups: [], first: [], ...left });
  else print(noneOf(noun, !ok));
};

const actOnEach = async <Item, Outcome>({
  items,
  act,
  done,
}: Bulk<Item, Outcome>): Promise<readonly { readonly item: Item; readonly outcome: Outcome }[]> => {
  const outcomes: { item: Item; outcome: Outcome }[] = [];
  const bar = progressBar(done, items.length);
  try {
    for (const item of items) {
      outcomes.push({ item, outcome: await act(item) });
      bar.advance(outcomes.length);
    }
    return outcomes;
  } catch (error) {
    throw new Error(`stopped after ${outcomes.length} of ${items.length}, which stay ${done}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    bar.end();
  }
};
