import type { Command } from 'commander';
import { listNotifications, sendAgain } from '#operate';
import type { NotificationFilter, ShownNotification } from '#operate';
import { postgresSettings, queueSettings, redisSettings } from '#platform/config';
import { OPERATOR_ROLE } from '#platform/postgres';
import { BULK_MAX, FIRST_MAX, shown } from '../bulk.ts';
import { withDatabase } from '../connections.ts';
import { withDestinationAndTimes } from '../moment.ts';
import { endPlanned, openScheduler } from '../notify-queues.ts';
import { exitCodes, noneOf, print, printJson, printTable, settingsOf, UsageError, warn } from '../output.ts';
import { DRY_RUN_RULE, withDecision } from '../pending-options.ts';
import type { DecisionOptions } from '../pending-options.ts';
import { compareWith, forgetPicture, isAllAsShown, readPicture, rememberPicture } from '../picture.ts';
import type { ShownItem } from '../picture.ts';
import { timeOf } from '../times.ts';

const NOUN = 'delivered notifications';

interface ResendOptions extends DecisionOptions {
  readonly entity?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly to: string;
}

export const addResend = (group: Command): void =>
  void withDecision(
    withDestinationAndTimes(
      group
        .command('resend')
        .description(
          'Tell a destination again what it was told, under the same ids and numbers, behind all that is new. ' +
            `Reminders are not told again. ${DRY_RUN_RULE}`,
        ),
      'what was delivered',
      'optional',
    ).option('--entity <id>', 'only about the entity with this id'),
    'told again by hand',
  )
    .addHelpText('after', '\nExample:\n  npx dakia notifications resend --to order-system --since 2026-11-28T10:00Z')
    .action(resend);

const resend = async (options: ResendOptions, command: Command): Promise<void> => {
  const { entity, since, until, to, who, reason } = options;
  if (entity === undefined && since === undefined) throw new UsageError('Say which: give --entity, --since or both.');
  if (since !== undefined && until !== undefined && since >= until)
    throw new UsageError('--until must be later than --since.');
  const filter: NotificationFilter = {
    destination: to,
    factsOnly: true,
    ...(entity !== undefined && { entity }),
    ...(since !== undefined && { deliveredSince: since }),
    ...(until !== undefined && { deliveredUntil: until }),
  };
  const find = async (): Promise<readonly ShownNotification[]> =>
    withDatabase(command, OPERATOR_ROLE, async (database) =>
      listNotifications(database, { ...filter, status: 'delivered' }, BULK_MAX, 'told'),
    );
  if (!options.yes) return dryRun(await find(), filter, options, command);

  const config = settingsOf(command, { ...postgresSettings, ...redisSettings, ...queueSettings });
  const scheduler = openScheduler(config);
  const { same, changes } = compareWith(readPicture(command, filter), await find(), shownOf);
  let count = 0;
  await withDatabase(command, OPERATOR_ROLE, async (database) => {
    for await (const revived of sendAgain(database, 'delivered', filter, { who, reason }, same)) {
      count += revived.length;
      await scheduler.schedule(revived);
    }
  });
  const silent = await scheduler.close();
  if (isAllAsShown(changes)) forgetPicture(command, filter);
  const ok = (changes?.changed.length ?? 0) === 0 && (count > 0 || (changes?.gone.length ?? 0) > 0);
  const said =
    count === 0 ? noneOf(NOUN, true) : `${count} ${count === 1 ? 'notification is' : 'notifications are'} told again`;
  endPlanned({ ok, count, meanwhile: same.length - count, changes, silent }, { json: options.json, said });
};

const dryRun = (
  found: readonly ShownNotification[],
  filter: NotificationFilter,
  { to, json }: ResendOptions,
  command: Command,
): void => {
  rememberPicture(command, filter, found.map(shownOf));
  const [count, first] = [found.length, found.slice(0, FIRST_MAX)];
  const ok = count > 0;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json) return printJson({ ok, executed: false, count, first });
  if (!ok) return print(noneOf(NOUN, true));
  if (count === BULK_MAX)
    warn(`These are the first ${BULK_MAX}; give --until, and then --since from the last one on, for the rest.`);
  print(`The first ${first.length} of ${count}:`);
  printTable([
    ['id', 'what', 'about', 'delivered', 'answer'],
    ...first.map(({ id, kind, entity, deliveredAt, response }) => [
      id,
      kind,
      entity,
      deliveredAt === null ? '' : timeOf(deliveredAt),
      shown(response ?? ''),
    ]),
  ]);
  print(`\n${count} would be told to ${to} again. Nothing was changed; give --yes to do it.`);
};

const shownOf = ({ id, updatedAt }: ShownNotification): ShownItem => ({ id, as: `delivered at ${timeOf(updatedAt)}` });
