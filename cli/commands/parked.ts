import { Option } from 'commander';
import type { Command } from 'commander';
import type { KeyRef } from '#apply';
import { familyNames } from '#catalogue';
import type { Family } from '#catalogue';
import { discardParked, exportParked, listParked, retryParked, showParked } from '#operate';
import type { ParkedDetails, ParkedKey } from '#operate';
import { OPERATOR_ROLE } from '#platform/postgres';
import { actingOn } from '../acting-on.ts';
import type { Candidate } from '../bulk.ts';
import { withDatabase } from '../connections.ts';
import { presentable, printFields, printHistory, SHOW_MAX } from '../details.ts';
import { exportLines } from '../export-lines.ts';
import type { ExportOptions } from '../export-lines.ts';
import { noneOf, print, printJson, printTable } from '../output.ts';
import { describeRetry, headInWords } from '../outcomes.ts';
import { addPendingCommands } from '../pending-commands.ts';
import { DRY_RUN_RULE, filterOf } from '../pending-options.ts';
import type { FilterOptions, ListOptions } from '../pending-options.ts';
import { timeOf } from '../times.ts';

/** What this command is about, in a sentence. */
const NOUN = 'parked keys';

interface ShowOptions {
  readonly key: string;
  readonly family?: Family;
  readonly body: boolean;
  readonly json: boolean;
}

export const addParked = (program: Command): void => {
  const group = program
    .command('parked')
    .description('Entities whose events wait behind one that could not be applied.');
  addPendingCommands(group, {
    list: {
      does: 'Print them, with the reason, how many events wait and when the next attempt is.',
      example: 'parked list --family refunds --older-than 1h',
      run: list,
    },
    show: {
      does: 'Print all that is kept of a parked entity: what fails, what waits behind it, and what was done so far.',
      example: 'parked show --key rfnd_FS8TWyPrCsa0OB',
      run: show,
      withOptions: (command) =>
        command
          .requiredOption('--key <id>', 'id of the entity')
          .addOption(new Option('--family <name>', 'its family').choices(familyNames))
          .option('--body', 'also the body of the failing event; it holds personal data', false),
    },
    export: {
      does: 'Print every event that waits, with its body, one JSON object per line. Bodies hold personal data.',
      example: 'parked export --family refunds --output parked.jsonl',
      run: exportAll,
    },
    retry: {
      does: `Apply what waits for them now, oldest first. ${DRY_RUN_RULE} Exits 1 when an event fails again.`,
      example: 'parked retry --key rfnd_FS8TWyPrCsa0OB --yes',
      run: retry,
    },
    discard: {
      does:
        'Give up the failing event at the head of each queue, for good, and apply the rest. Its body stays in ' +
        `webhook_events. ${DRY_RUN_RULE}`,
      example: 'parked discard --key rfnd_FS8TWyPrCsa0OB \\\n    --reason "amount is nonsense, see ticket 42" --yes',
      run: discard,
    },
  });
};

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  const parked = await withDatabase(command, OPERATOR_ROLE, (database) =>
    listParked(database, { ...filter, limit: options.limit }),
  );
  if (options.json) return printJson({ ok: true, parked });
  if (parked.length === 0) return print(noneOf(NOUN, Object.keys(filter).length > 0));
  const rows = parked.map((row) => [
    row.family,
    row.key,
    row.waiting,
    row.attempts,
    timeOf(row.parkedAt),
    timeOf(row.nextAttemptAt),
    row.failingEventId,
    row.reason,
  ]);
  printTable([
    ['family', 'key', 'waiting', 'attempts', 'parked at', 'next attempt', 'failing event', 'reason'],
    ...rows,
  ]);
  if (parked.length === options.limit) print(`the first ${options.limit}; --limit shows more`);
};

const show = async ({ key, family, body, json }: ShowOptions, command: Command): Promise<void> => {
  const parked = await withDatabase(command, OPERATOR_ROLE, async (database) => {
    const keys = await listParked(database, { key, ...(family !== undefined && { family }), limit: SHOW_MAX });
    const found: (ParkedDetails | undefined)[] = [];
    for (const ref of keys) found.push(await showParked(database, ref));
    return found.flatMap((details) =>
      details === undefined
        ? []
        : [{ ...details, head: details.head === null ? null : presentable(details.head, body) }],
    );
  });
  if (parked.length === 0) throw new Error(noneOf(NOUN, key));
  if (json) return printJson({ ok: true, parked });
  for (const { head, behind, history, ...entity } of parked) {
    printFields(entity);
    if (head !== null) {
      print('\nthe event that fails:');
      printFields(head);
    }
    if (behind.length > 0) {
      print('\nthe first that wait behind it:');
      printTable([
        ['event id', 'event', 'topic', 'received at'],
        ...behind.map((one) => [
          one.eventId,
          one.event,
          `${one.topic}/${one.partition}@${one.offset}`,
          timeOf(one.receivedAt),
        ]),
      ]);
    }
    printHistory(history);
  }
};

const exportAll = async (options: FilterOptions & ExportOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  await withDatabase(command, OPERATOR_ROLE, (database) => exportLines(exportParked(database, filter), options));
};

const candidateOf = ({ family, event, key, failingEventId, reason }: ParkedKey): Candidate => ({
  family,
  event,
  key,
  eventId: failingEventId,
  cause: reason,
});

const refOf = ({ family, key }: ParkedKey): KeyRef => ({ family, key });

const parkedKeys = {
  list: listParked,
  candidateOf,
  shownOf: (key: ParkedKey) => ({ id: `${key.family} ${key.key}`, as: headInWords(key) }),
  describe: describeRetry,
  noun: NOUN,
};
const retry = actingOn(parkedKeys, (how, key, by) => retryParked(how, refOf(key), by, key), 'retried');
const discard = actingOn(parkedKeys, (how, key, by) => discardParked(how, refOf(key), by, key), 'discarded');
