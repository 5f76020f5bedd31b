import type { Command } from 'commander';
import { postgresSettings, queueSettings, redisSettings, ruleFileSettings } from '#platform/config';
import { OPERATOR_ROLE } from '#platform/postgres';
import { now } from '#platform/time';
import { loadRules } from '../../services/notifier/open-rules.ts';
import { backfill, findUntold } from '../../services/notifier/relay/backfill.ts';
import type { BackfillScope, Untold } from '../../services/notifier/relay/backfill.ts';
import { delayUntil } from '../../services/notifier/relay/schedule-jobs.ts';
import { BULK_MAX, FIRST_MAX } from '../bulk.ts';
import { withDatabase } from '../connections.ts';
import { withDestinationAndTimes } from '../moment.ts';
import { endPlanned, openScheduler } from '../notify-queues.ts';
import { print, printJson, printTable, settingsOf, UsageError, warn } from '../output.ts';
import { DRY_RUN_RULE, withDecision } from '../pending-options.ts';
import type { DecisionOptions } from '../pending-options.ts';
import { compareWith, forgetPicture, isAllAsShown, readPicture, rememberPicture } from '../picture.ts';
import type { ShownItem } from '../picture.ts';
import { progressBar } from '../progress.ts';
import { timeOf } from '../times.ts';

interface BackfillOptions extends DecisionOptions {
  readonly since: Date;
  readonly until?: Date;
  readonly to: string;
}

export const addBackfill = (group: Command): void =>
  void withDecision(
    withDestinationAndTimes(
      group
        .command('backfill')
        .description(
          'Tell a destination what became true before it was in the file: facts that its rules ask for and that ' +
            'it was never told, behind all that is new. Reads the file of DAKIA_NOTIFICATIONS_FILE, which must be ' +
            `the notifier's. ${DRY_RUN_RULE} Run again, it goes on where it was.`,
        ),
      'what became true',
      'required',
    ),
    'told afterwards by hand',
  )
    .addHelpText('after', '\nExample:\n  npx dakia notifications backfill --to order-system --since 2026-11-01')
    .action(run);

const run = async (options: BackfillOptions, command: Command): Promise<void> => {
  const scope = scopeOf(options, command);
  const config = options.yes
    ? settingsOf(command, { ...postgresSettings, ...redisSettings, ...queueSettings })
    : undefined;
  const found = await find(scope, command);
  if (found.length === BULK_MAX) warn(`These are the first ${BULK_MAX}; run the command again for the rest.`);
  // What was found without --until goes up to a moment ago, which is another one each time.
  const asked = { to: options.to, since: options.since, until: options.until };
  if (config === undefined) {
    rememberPicture(command, asked, found.map(shownOf));
    return printFound(found, options);
  }
  const { same, changes } = compareWith(readPicture(command, asked), found, shownOf);
  const scheduler = openScheduler(config);
  const bar = progressBar('planned', same.length);
  let count = 0;
  try {
    await withDatabase(command, OPERATOR_ROLE, async (database) => {
      for await (const requests of backfill(database, scope, same, options, now)) {
        count += requests.length;
        bar.advance(count);
        await scheduler.schedule(
          requests.map(({ id, destination, priority, dueAt }) => ({
            ...{ id, destination, priority },
            delayMs: delayUntil(dueAt, now()),
          })),
        );
      }
    });
  } finally {
    bar.end();
  }
  if (isAllAsShown(changes)) forgetPicture(command, asked);
  const ok = (changes?.changed.length ?? 0) === 0;
  const said =
    count === 0
      ? `${options.to} was told of everything that its rules ask for`
      : `${count} ${count === 1 ? 'notification is' : 'notifications are'} planned for ${options.to}`;
  const silent = await scheduler.close();
  endPlanned({ ok, count, meanwhile: same.length - count, changes, silent }, { json: options.json, said });
};

/** Throws UsageError for a file that is wrong, or a destination that it does not have. */
const scopeOf = ({ since, until = new Date(), to }: BackfillOptions, command: Command): BackfillScope => {
  const file = loadRules(settingsOf(command, ruleFileSettings));
  if (!file.ok) throw new UsageError(file.issues.join('\n'));
  const { rules, name } = file.value;
  if (!rules.destinations.has(to))
    throw new UsageError(`${name} has no destination "${to}"; it has ${[...rules.destinations.keys()].join(', ')}`);
  if (since >= until) throw new UsageError('--since must be earlier than --until, and in the past.');
  return { rules, destination: to, since, until };
};

/** At most BULK_MAX, the oldest first. */
const find = async (scope: BackfillScope, command: Command): Promise<readonly Untold[]> => {
  const found: Untold[] = [];
  let looked = 0;
  let bar: ReturnType<typeof progressBar> | undefined;
  await withDatabase(command, OPERATOR_ROLE, async (database) => {
    for await (const { facts, total, untold } of findUntold(database, scope, now)) {
      bar ??= progressBar('looked at', total);
      bar.advance((looked += facts));
      found.push(...untold);
      if (found.length >= BULK_MAX) return;
    }
  });
  bar?.end();
  return found.slice(0, BULK_MAX);
};

const shownOf = ({ id, rule }: Untold): ShownItem => ({ id, as: `asked for by ${rule}` });

const printFound = (found: readonly Untold[], { to, json }: BackfillOptions): void => {
  const first = found.slice(0, FIRST_MAX);
  const counts = [...Map.groupBy(found, (one) => `${what(one)}\n${one.rule}`).values()].flatMap(([one, ...others]) =>
    one === undefined ? [] : [{ what: what(one), rule: one.rule, count: 1 + others.length }],
  );
  if (json) return printJson({ ok: true, executed: false, count: found.length, counts, first });
  if (found.length === 0) return print(`${to} was told of everything that its rules ask for`);
  printTable([['count', 'what', 'rule'], ...counts.map((one) => [one.count, one.what, one.rule])]);
  print(`\nThe first ${first.length} of ${found.length}:`);
  printTable([
    ['id', 'what', 'about', 'when'],
    ...first.map((one) => [one.id, what(one), one.entity, timeOf(one.factAt)]),
  ]);
  print(`\n${found.length} would be told to ${to}. Nothing was changed; give --yes to do it.`);
};

const what = ({ kind, hoursBefore }: Untold): string =>
  hoursBefore === null ? kind : `${kind}, reminder ${hoursBefore} h`;
