import type { Command } from 'commander';
import { deadLetterTopicOf, deadLetterTopics } from '#catalogue';
import { redriveDeadLetter } from '#envelope';
import { discardDead, exportDead, listDead, retryDead, showDead } from '#operate';
import type { DeadDetails, DeadLetter, DeadOutcome, DiscardOutcome } from '#operate';
import { OPERATOR_ROLE } from '#platform/postgres';
import { actingOn } from '../acting-on.ts';
import type { Candidate } from '../bulk.ts';
import { withDatabase } from '../connections.ts';
import { presentable, printFields, printHistory, SHOW_MAX } from '../details.ts';
import { exportLines } from '../export-lines.ts';
import type { ExportOptions } from '../export-lines.ts';
import { noneOf, print, printJson, printTable, UsageError } from '../output.ts';
import { deathInWords, describeRetry } from '../outcomes.ts';
import { addPendingCommands } from '../pending-commands.ts';
import { actionFilterOf, DRY_RUN_RULE, filterOf, withFilters } from '../pending-options.ts';
import type { FilterOptions, ListOptions } from '../pending-options.ts';
import type { ShownItem } from '../picture.ts';
import { replayFromKafka, reportReplay } from '../replay-from-kafka.ts';
import { timeOf } from '../times.ts';

/** What this command is about, in a sentence. */
const NOUN = 'dead letters';

interface ShowOptions {
  readonly key?: string;
  readonly eventId?: string;
  readonly body: boolean;
  readonly json: boolean;
}

interface ReplayOptions extends FilterOptions {
  readonly fromKafka?: boolean;
  readonly all?: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

export const addDead = (program: Command): void => {
  const group = program
    .command('dead')
    .description(
      'Dead letters: events that were given up after all attempts. Nothing is lost; each waits for a decision.',
    );
  addPendingCommands(group, {
    list: {
      does: 'Print those that wait for a decision, with the reason.',
      example: 'dead list --family refunds --older-than 1d',
      run: list,
    },
    show: {
      does:
        'Print all that is kept of dead letters, also of those that somebody has dealt with: where they came ' +
        'from, why they died, and what was done.',
      example: 'dead show --key rfnd_FS8TWyPrCsa0OB',
      run: show,
      withOptions: (command) =>
        command
          .option('--key <id>', 'those of the entity with this id that wait for a decision')
          .option('--event-id <id>', 'the one with this event id')
          .option('--body', 'also the body; it holds personal data', false),
    },
    export: {
      does:
        'Print those that wait for a decision, with their bodies, one JSON object per line. ' +
        'Bodies hold personal data.',
      example: 'dead export --family refunds --output dead.jsonl',
      run: exportAll,
    },
    retry: {
      does: `Put them back into their entity's queue and apply it. ${DRY_RUN_RULE} Exits 1 when one fails again.`,
      example: "dead retry --cause 'numeric field overflow' \\\n    --reason 'fixed in 1.4.2' --yes",
      run: retry,
    },
    discard: {
      does: `Close them for good. Their bodies stay in webhook_events. ${DRY_RUN_RULE}`,
      example: 'dead discard --key rfnd_FS8TWyPrCsa0OB \\\n    --reason "test data, ticket 42" --yes',
      run: discard,
    },
  });
  withFilters(
    group
      .command('replay')
      .description(
        `Read the topics of dead letters and produce each record to its family's topic again: for a database ` +
          `that has lost them. ${DRY_RUN_RULE} What is in the database already is a duplicate there.`,
      ),
  )
    .option('--from-kafka', 'read Kafka; for dead letters in Postgres there is dead retry')
    .option('--all', 'everything that there is, instead of a filter')
    .option('--yes', 'do it', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia dead replay --from-kafka --all --yes')
    .action(replay);
};

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  const letters = await withDatabase(command, OPERATOR_ROLE, (database) =>
    listDead(database, { ...filter, limit: options.limit }),
  );
  if (options.json) return printJson({ ok: true, dead: letters });
  if (letters.length === 0) return print(noneOf(NOUN, Object.keys(filter).length > 0));
  const rows = letters.map(({ eventId, event, key, attempts, deadAt, reason }) => [
    eventId,
    event,
    key,
    attempts,
    timeOf(deadAt),
    reason,
  ]);
  printTable([['event id', 'event', 'key', 'attempts', 'dead since', 'reason'], ...rows]);
  if (letters.length === options.limit) print(`the first ${options.limit}; --limit shows more`);
};

const show = async ({ key, eventId, body, json }: ShowOptions, command: Command): Promise<void> => {
  if ((key === undefined) === (eventId === undefined)) throw new UsageError('Give --key or --event-id, one of them.');
  const letters = await withDatabase(command, OPERATOR_ROLE, async (database) => {
    const ids =
      key === undefined
        ? [eventId ?? '']
        : (await listDead(database, { key, limit: SHOW_MAX })).map((letter) => letter.eventId);
    const found: (DeadDetails | undefined)[] = [];
    for (const id of ids) found.push(await showDead(database, id));
    return found.flatMap((letter) => (letter === undefined ? [] : [presentable(letter, body)]));
  });
  if (letters.length === 0) throw new Error(noneOf(NOUN, key ?? eventId ?? ''));
  if (json) return printJson({ ok: true, dead: letters });
  for (const { history, ...letter } of letters) {
    printFields(letter);
    printHistory(history);
  }
};

const exportAll = async (options: FilterOptions & ExportOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  await withDatabase(command, OPERATOR_ROLE, (database) => exportLines(exportDead(database, filter), options));
};

const candidateOf = ({ family, event, key, eventId, reason }: DeadLetter): Candidate => ({
  family,
  event,
  key,
  eventId,
  cause: reason,
});

const shownOf = (letter: DeadLetter): ShownItem => ({
  id: `${letter.eventId} of ${letter.topic}/${letter.partition}@${letter.offset}`,
  as: deathInWords(letter),
});

const describeOutcome = (outcome: DeadOutcome | DiscardOutcome): string => {
  switch (outcome.kind) {
    case 'discarded':
      return 'closed';
    case 'not-dead':
      return 'done meanwhile: it is no dead letter any more';
    case 'changed':
      return `left alone, it has changed: now ${deathInWords(outcome.now)}`;
    case 'not-parked':
    case 'parked':
    case 'unparked':
      return describeRetry(outcome, outcome);
  }
};

const letters = {
  list: listDead,
  candidateOf,
  shownOf,
  describe: ({ eventId }: DeadLetter, outcome: DeadOutcome | DiscardOutcome) =>
    `${eventId}: ${describeOutcome(outcome)}`,
  noun: NOUN,
};
const retry = actingOn(letters, (how, letter, by) => retryDead(how, letter.eventId, by, letter), 'retried');
const discard = actingOn(letters, (how, letter, by) => discardDead(how, letter.eventId, by, letter), 'discarded');

const replay = async (options: ReplayOptions, command: Command): Promise<void> => {
  if (options.fromKafka !== true)
    throw new UsageError(
      'Give --from-kafka: this reads Kafka. For dead letters that are in Postgres use npx dakia dead retry.',
    );
  const filter = actionFilterOf(options);
  const topics = filter.family === undefined ? deadLetterTopics : [deadLetterTopicOf(filter.family)];
  reportReplay(
    await replayFromKafka(command, { topics, decide: redriveDeadLetter, filter, execute: options.yes }),
    filter,
    options.json,
  );
};
