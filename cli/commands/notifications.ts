import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { isFactKind, notificationStatuses } from '#catalogue';
import type { NotificationStatus } from '#catalogue';
import { countNotifications, listNotifications, sendAgain } from '#operate';
import type { NotificationFilter, ShownNotification, StatusCount } from '#operate';
import { postgresSettings, queueSettings, redisSettings } from '#platform/config';
import { OPERATOR_ROLE } from '#platform/postgres';
import { BULK_MAX, FIRST_MAX, shown } from '../bulk.ts';
import { withDatabase } from '../connections.ts';
import { exitCodes, noneOf, print, printJson, printTable, settingsOf, warn, wholeNumber } from '../output.ts';
import { endPlanned, openScheduler } from '../notify-queues.ts';
import { DRY_RUN_RULE, mustSayWhich, withAction, withAges } from '../pending-options.ts';
import type { DecisionOptions } from '../pending-options.ts';
import { compareWith, forgetPicture, isAllAsShown, readPicture, rememberPicture } from '../picture.ts';
import type { ShownItem } from '../picture.ts';
import { timeOf } from '../times.ts';
import { addBackfill } from './notifications-backfill.ts';
import { addResend } from './notifications-resend.ts';

const [LIST_DEFAULT, LIST_MAX] = [50, 100_000];
/** What retry is about, in a sentence. */
const NOUN = 'failed notifications';

interface FilterOptions {
  readonly destination?: string;
  readonly kind?: string;
  readonly entity?: string;
  readonly rule?: string;
  readonly id?: string;
  readonly cause?: string;
  readonly olderThan?: number;
  readonly newerThan?: number;
  readonly json: boolean;
}

interface ListOptions extends FilterOptions {
  readonly status?: NotificationStatus;
  readonly limit: number;
}

interface RetryOptions extends FilterOptions, DecisionOptions {
  readonly all?: boolean;
  readonly json: boolean;
}

export const addNotifications = (program: Command): void => {
  const group = program
    .command('notifications')
    .description('What was told to whom, what it answered, and what could not be delivered.');
  withFilters(
    group.command('list').description('Count them by destination and status, and print those that changed last.'),
  )
    .addOption(new Option('--status <status>', 'only with this status').choices(notificationStatuses))
    .option('--limit <n>', 'print at most so many', wholeNumber(0, LIST_MAX), LIST_DEFAULT)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia notifications list --status failed')
    .action(list);
  withAction(
    withFilters(
      group
        .command('retry')
        .description(`Send failed notifications again, with their ids and all their attempts. ${DRY_RUN_RULE}`),
    ),
    'sent again by hand',
  )
    .addHelpText('after', '\nExample:\n  npx dakia notifications retry --destination order-system --yes')
    .action(retry);
  addResend(group);
  addBackfill(group);
};

const withFilters = (command: Command): Command =>
  withAges(
    command
      .option('--destination <name>', 'only to this destination')
      .option('--kind <fact>', 'only of this fact and its reminders, for example dispute.opened', fact)
      .option('--entity <id>', 'only about the entity with this id')
      .option('--rule <name>', 'only by this rule')
      .option('--id <id>', 'only this notification')
      .option('--cause <text>', 'only where the reason contains this text'),
  );

const fact = (text: string): string => {
  if (isFactKind(text)) return text;
  throw new InvalidArgumentError('There is no such fact; docs/notifications.md has those there are.');
};

const filterOf = ({
  destination,
  kind,
  entity,
  rule,
  id,
  cause,
  olderThan,
  newerThan,
}: FilterOptions): NotificationFilter => {
  const given = { destination, kind, entity, rule, id, cause, olderThanMs: olderThan, newerThanMs: newerThan };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
};

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const filter: NotificationFilter = {
    ...filterOf(options),
    ...(options.status !== undefined && { status: options.status }),
  };
  const { counts, notifications } = await withDatabase(command, OPERATOR_ROLE, async (database) => ({
    counts: await countNotifications(database, filter),
    notifications: await listNotifications(database, filter, options.limit),
  }));
  if (options.json) return printJson({ ok: true, counts, notifications });
  if (counts.length === 0) return print(noneOf('notifications', Object.keys(filter).length > 0));
  printCounts(counts);
  if (notifications.length > 0) {
    print('');
    printNotifications(notifications);
  }
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  if (total > notifications.length) print(`\n${notifications.length} of ${total}; --limit shows more`);
};

const retry = async (options: RetryOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  const isFiltered = Object.keys(filter).length > 0;
  mustSayWhich(filter, options, '--destination, --kind, --entity or --id');
  if (!options.yes) return dryRun(filter, options, command);

  const config = settingsOf(command, { ...postgresSettings, ...redisSettings, ...queueSettings });
  const scheduler = openScheduler(config);
  const picture = readPicture(command, filter);
  const { retried, wanted, changes, silent } = await withDatabase(command, OPERATOR_ROLE, async (database) => {
    const found =
      picture === undefined ? [] : await listNotifications(database, { ...filter, status: 'failed' }, BULK_MAX);
    const { same, changes: since } = compareWith(picture, found, shownOf);
    let count = 0;
    for await (const revived of sendAgain(
      database,
      'failed',
      filter,
      options,
      picture === undefined ? undefined : same,
    )) {
      count += revived.length;
      await scheduler.schedule(revived);
    }
    return {
      retried: count,
      wanted: picture === undefined ? count : same.length,
      changes: since,
      silent: await scheduler.close(),
    };
  });
  if (isAllAsShown(changes)) forgetPicture(command, filter);
  const nothingMatches = retried === 0 && changes === undefined && isFiltered;
  const ok = (changes?.changed.length ?? 0) === 0 && !nothingMatches;
  const said =
    retried === 0
      ? noneOf(NOUN, isFiltered)
      : `${retried} ${retried === 1 ? 'notification is' : 'notifications are'} sent again`;
  endPlanned({ ok, count: retried, meanwhile: wanted - retried, changes, silent }, { json: options.json, said });
};

const dryRun = async (filter: NotificationFilter, { json }: RetryOptions, command: Command): Promise<void> => {
  const failed: NotificationFilter = { ...filter, status: 'failed' };
  const { counts, all } = await withDatabase(command, OPERATOR_ROLE, async (database) => ({
    counts: await countNotifications(database, failed),
    all: await listNotifications(database, failed, BULK_MAX),
  }));
  const count = counts.reduce((sum, each) => sum + each.count, 0);
  const first = all.slice(0, FIRST_MAX);
  rememberPicture(command, filter, all.map(shownOf));
  const isFiltered = Object.keys(filter).length > 0;
  const ok = count > 0 || !isFiltered;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json) return printJson({ ok, executed: false, count, counts, first });
  if (count === 0) return print(noneOf(NOUN, isFiltered));
  if (count > all.length) warn(`These are the first ${BULK_MAX}; run the command again for the rest.`);
  printCounts(counts);
  print(`\nThe first ${first.length} of ${count}:`);
  printNotifications(first);
  print(`\n${count} would be sent again. Nothing was changed; give --yes to do it.`);
};

const shownOf = ({ id, attempts, updatedAt }: ShownNotification): ShownItem => ({
  id,
  as: `failed after ${attempts} attempts at ${timeOf(updatedAt)}`,
});

const printCounts = (counts: readonly StatusCount[]): void => {
  const countOf = (name: string, status: string): number =>
    counts.find((each) => each.destination === name && each.status === status)?.count ?? 0;
  const destinations = [...new Set(counts.map(({ destination }) => destination))];
  printTable([
    ['destination', ...notificationStatuses],
    ...destinations.map((name) => [name, ...notificationStatuses.map((status) => countOf(name, status))]),
  ]);
};

const printNotifications = (notifications: readonly ShownNotification[]): void =>
  printTable([
    ['id', 'destination', 'what', 'about', 'status', 'attempts', 'when', 'answer or reason'],
    ...notifications.map((one) => [
      one.id,
      one.destination,
      what(one),
      one.entity,
      one.status,
      one.attempts,
      when(one),
      shown(one.response ?? one.reason ?? ''),
    ]),
  ]);

const what = ({ kind, hoursBefore }: ShownNotification): string =>
  hoursBefore === null ? kind : `${kind}, reminder ${hoursBefore} h`;
const when = ({ nextAttemptAt, updatedAt }: ShownNotification): string =>
  nextAttemptAt === null ? timeOf(updatedAt) : `next ${timeOf(nextAttemptAt)}`;
