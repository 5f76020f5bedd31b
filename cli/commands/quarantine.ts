import type { Command } from 'commander';
import { QUARANTINE_TOPIC, quarantineReasons, route } from '#catalogue';
import { redriveQuarantined } from '#envelope';
import { exportQuarantined, listQuarantined, readAgain, replayQuarantined, showQuarantined } from '#operate';
import type { QuarantinedEvent, ShownPlace, WithBody } from '#operate';
import { codeOf } from '#platform/log';
import type { Code } from '#platform/log';
import { OPERATOR_ROLE } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { retryOptions } from '../acting-on.ts';
import { BULK_MAX, runBulk, startLeft } from '../bulk.ts';
import type { Candidate, Left } from '../bulk.ts';
import { withDatabase } from '../connections.ts';
import { presentable, printFields } from '../details.ts';
import { exportLines, withOutput } from '../export-lines.ts';
import type { ExportOptions } from '../export-lines.ts';
import { noneOf, print, printJson, printTable, UsageError } from '../output.ts';
import { describeRetry } from '../outcomes.ts';
import {
  actionFilterOf,
  DRY_RUN_RULE,
  filterOf,
  passes,
  withAction,
  withAges,
  withEventAndCause,
  withFilters,
  withPrinting,
} from '../pending-options.ts';
import type { ActOptions, Filter, FilterOptions, ListOptions } from '../pending-options.ts';
import { replayFromKafka, reportReplay } from '../replay-from-kafka.ts';
import { timeOf } from '../times.ts';

/** What this command is about, in a sentence. */
const NOUN = 'quarantined events';

interface ReplayOptions extends ActOptions {
  readonly fromKafka?: boolean;
}

interface ShowOptions {
  readonly eventId: string;
  readonly body: boolean;
  readonly json: boolean;
}

export const addQuarantine = (program: Command): void => {
  const group = program
    .command('quarantine')
    .description('Authentic deliveries that the catalogue did not understand. They are kept until it does.');
  withPrinting(withAges(withEventAndCause(group.command('list').description('Print them, with the reason.'))))
    .addHelpText('after', '\nExample:\n  npx dakia quarantine list --event payment.brand_new')
    .action(list);
  group
    .command('show')
    .description('Print all that is kept of a delivery in the quarantine.')
    .requiredOption('--event-id <id>', 'its event id')
    .option('--body', 'also the body; it holds personal data', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia quarantine show --event-id FS8TWyPrCsa0OB --body')
    .action(show);
  withOutput(
    withAges(
      withEventAndCause(
        group
          .command('export')
          .description('Print them with their bodies, one JSON object per line. Bodies hold personal data.'),
      ),
    ),
  )
    .addHelpText('after', '\nExample:\n  npx dakia quarantine export --output quarantine.jsonl')
    .action(exportAll);
  withAction(
    withAges(
      withFilters(
        group
          .command('replay')
          .description(
            `Hand those that today's catalogue understands to their entity, and apply them. ${DRY_RUN_RULE}`,
          ),
        'any',
      ),
    ),
    'replayed by hand',
  )
    .option(
      '--from-kafka',
      `read ${QUARANTINE_TOPIC} instead of Postgres, and produce each record to its family's topic: for a ` +
        'database that has lost them',
    )
    .addHelpText('after', '\nExample:\n  npx dakia quarantine replay --event payment.brand_new --yes')
    .action(replay);
};

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  const quarantined = await withDatabase(command, OPERATOR_ROLE, (database) =>
    listQuarantined(database, { ...filter, limit: options.limit }),
  );
  if (options.json) return printJson({ ok: true, quarantined });
  if (quarantined.length === 0) return print(noneOf(NOUN, Object.keys(filter).length > 0));
  const rows = quarantined.map(({ eventId, event, endpoint, receivedAt, reason }) => [
    eventId,
    event,
    endpoint ?? '-',
    timeOf(receivedAt),
    reason,
  ]);
  printTable([['event id', 'event', 'endpoint', 'received at', 'reason'], ...rows]);
  if (quarantined.length === options.limit) print(`the first ${options.limit}; --limit shows more`);
};

const show = async ({ eventId, body, json }: ShowOptions, command: Command): Promise<void> => {
  const kept = await withDatabase(command, OPERATOR_ROLE, (database) => showQuarantined(database, eventId));
  if (kept === undefined) throw new Error(noneOf(NOUN, eventId));
  const quarantined = { ...presentable(kept, body), code: codeOfReason(kept.reason), today: describeToday(kept) };
  if (json) printJson({ ok: true, quarantined });
  else printFields(quarantined);
};

const exportAll = async (options: FilterOptions & ExportOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  await withDatabase(command, OPERATOR_ROLE, (database) => exportLines(exportQuarantined(database, filter), options));
};

/** docs/failures.md says what to do about it; null for a reason that a newer release has given. */
const codeOfReason = (reason: string): Code | null => {
  const name = ([...quarantineReasons, 'undecodable'] as const).find((one) => reason.split(':', 1)[0] === one);
  return name === undefined ? null : codeOf('quarantine', name);
};

type Kept = WithBody<QuarantinedEvent>;

const describeToday = (kept: Kept): string => {
  const envelope = readAgain(kept);
  return envelope.kind === 'event'
    ? `understood: ${envelope.family} ${envelope.key}`
    : `not understood: ${envelope.reason}`;
};

/** One that is understood today, and where it came from. */
type Replayable = Candidate & ShownPlace;

/** Which of the kept deliveries are understood today and pass the filter, and why the others are not. */
const sortOut = async (
  database: Database,
  { family, key, ...filter }: Filter,
): Promise<{ readonly items: readonly Replayable[]; readonly left: Left }> => {
  const items: Replayable[] = [];
  const left = startLeft();
  // Family and entity are what is found out here.
  for await (const batch of exportQuarantined(database, filter)) {
    for (const kept of batch) {
      const envelope = readAgain(kept);
      if (envelope.kind === 'quarantine') left.add(envelope.reason);
      else if (items.length < BULK_MAX)
        items.push({
          family: envelope.family,
          event: envelope.event,
          key: envelope.key,
          eventId: kept.eventId,
          cause: kept.reason,
          topic: kept.topic,
          partition: kept.partition,
          offset: kept.offset,
        });
    }
  }
  return {
    items: items.filter((candidate) =>
      passes(candidate, { ...(family !== undefined && { family }), ...(key !== undefined && { key }) }),
    ),
    left: left.list(),
  };
};

const replay = async (options: ReplayOptions, command: Command): Promise<void> => {
  const filter = actionFilterOf(options);
  if (options.fromKafka === true) {
    if (options.olderThan !== undefined || options.newerThan !== undefined)
      throw new UsageError('--from-kafka excludes --older-than and --newer-than: they are for what is in Postgres.');
    return reportReplay(
      await replayFromKafka(command, {
        topics: [QUARANTINE_TOPIC],
        decide: redriveQuarantined,
        filter,
        execute: options.yes,
      }),
      filter,
      options.json,
    );
  }
  const policy = retryOptions(command);
  await withDatabase(command, OPERATOR_ROLE, async (database) =>
    runBulk(command, options, {
      filter,
      ...(await sortOut(database, filter)),
      candidateOf: ({ family, event, key, eventId, cause }) => ({ family, event, key, eventId, cause }),
      shownOf: ({ eventId, family, key, topic, partition, offset }) => ({
        id: `${eventId} of ${topic}/${partition}@${offset}`,
        as: `${family} ${key}`,
      }),
      act: (item) => replayQuarantined({ database, ...policy }, item.eventId, options, route, item),
      describe: ({ eventId }, outcome) => {
        if (outcome.kind === 'not-quarantined')
          return `${eventId}: done meanwhile: it is not in the quarantine any more`;
        return `${eventId}: ${outcome.kind === 'not-understood' ? `stays: ${outcome.reason}` : describeRetry(outcome, outcome)}`;
      },
      noun: `${NOUN} that the catalogue understands`,
      done: 'replayed',
    }),
  );
};
