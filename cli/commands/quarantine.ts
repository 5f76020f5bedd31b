import type { Command } from 'commander';
import { QUARANTINE_TOPIC, route } from '#catalogue';
import { listQuarantined, OPERATOR_ROLE, replayQuarantined } from '#store';
import type { QuarantinedEvent } from '#store';
import { redriveQuarantined } from '#webhook';
import { BULK_MAX, runBulk } from '../bulk.ts';
import type { Candidate } from '../bulk.ts';
import { retryOptions, withDatabase } from '../connections.ts';
import { print, printJson, table, UsageError } from '../frame.ts';
import { describeRetry } from '../outcomes.ts';
import { actionFilterOf, DRY_RUN_RULE, filterOf, withAction, withAges, withFilters, withList } from '../pending-options.ts';
import type { ActOptions, ListOptions } from '../pending-options.ts';
import { replayFromKafka, reportReplay } from '../replay-from-kafka.ts';

interface ReplayOptions extends ActOptions {
  readonly fromKafka?: boolean;
}

export const addQuarantine = (program: Command): void => {
  const group = program.command('quarantine').description('Authentic deliveries that the catalogue did not understand. They are kept until it does.');
  withList(group.command('list').description('Print them, with the reason.'), 'any')
    .addHelpText('after', '\nExample:\n  npx dakia quarantine list --event subscription.charged')
    .action(list);
  withAction(withAges(withFilters(group.command('replay').description(`Hand those that today's catalogue understands to their entity, and apply them. ${DRY_RUN_RULE}`), 'any')), 'replayed by hand')
    .option('--from-kafka', `read ${QUARANTINE_TOPIC} instead of Postgres, and produce each record to its family's topic: for a database that has lost them`)
    .addHelpText('after', '\nExample:\n  npx dakia quarantine replay --event subscription.charged --yes')
    .action(replay);
};

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  const quarantined = await withDatabase(command, OPERATOR_ROLE, (database) => listQuarantined(database, { ...filter, limit: options.limit }));
  if (options.json) return printJson({ quarantined });
  if (quarantined.length === 0) return print(Object.keys(filter).length === 0 ? 'the quarantine is empty' : 'nothing in the quarantine matches');
  const rows = quarantined.map(({ eventId, event, endpoint, receivedAt, reason }) => [eventId, event, endpoint ?? '-', receivedAt.toISOString(), reason]);
  print(table([['event id', 'event', 'endpoint', 'received at', 'reason'], ...rows]));
  if (quarantined.length === options.limit) print(`the first ${options.limit}; --limit shows more`);
};

const candidateOf = ({ event, eventId, reason }: QuarantinedEvent): Candidate => ({ family: '', event, key: '', eventId, cause: reason });

const replay = async (options: ReplayOptions, command: Command): Promise<void> => {
  const filter = actionFilterOf(options);
  if (options.fromKafka === true) {
    if (options.olderThan !== undefined || options.newerThan !== undefined) throw new UsageError('--from-kafka excludes --older-than and --newer-than: they are for what is in Postgres.');
    return reportReplay(await replayFromKafka(command, { topics: [QUARANTINE_TOPIC], decide: redriveQuarantined, filter, execute: options.yes }), options.json);
  }
  await withDatabase(command, OPERATOR_ROLE, async (database) =>
    runBulk(options, {
      items: await listQuarantined(database, { ...filter, limit: BULK_MAX }),
      candidateOf,
      act: ({ eventId }) => replayQuarantined({ database, ...retryOptions() }, eventId, options, route),
      isOk: ({ kind }) => kind === 'unparked' || kind === 'not-understood',
      describe: ({ eventId }, outcome) => {
        if (outcome.kind === 'not-quarantined') return `${eventId}: is not in the quarantine any more`;
        return `${eventId}: ${outcome.kind === 'not-understood' ? `stays: ${outcome.reason}` : describeRetry(outcome, outcome)}`;
      },
      noun: 'quarantined events',
      done: 'replayed',
    }),
  );
};
