import type { Command } from 'commander';
import { discardParked, listParked, OPERATOR_ROLE, retryParked } from '#store';
import type { Database, KeyRef, ParkedKey, ParkedOptions, RetryOutcome } from '#store';
import { BULK_MAX, runBulk } from '../bulk.ts';
import type { Candidate } from '../bulk.ts';
import { retryOptions, withDatabase } from '../connections.ts';
import { print, printJson, table } from '../frame.ts';
import { describeRetry, isUnparked } from '../outcomes.ts';
import { actionFilterOf, DRY_RUN_RULE, filterOf, withAction, withAges, withFilters, withList } from '../pending-options.ts';
import type { ActOptions, ListOptions } from '../pending-options.ts';

export const addParked = (program: Command): void => {
  const group = program.command('parked').description('Entities whose events wait behind one that could not be applied.');
  withList(group.command('list').description('Print them, with the reason, how many events wait and when the next attempt is.'))
    .addHelpText('after', '\nExample:\n  npx dakia parked list --family refunds --older-than 1h')
    .action(list);
  withAction(withAges(withFilters(group.command('retry').description(`Apply what waits for them now, oldest first. ${DRY_RUN_RULE} Exits 1 when an event fails again.`))), 'retried by hand')
    .addHelpText('after', '\nExample:\n  npx dakia parked retry --key rfnd_FS8TWyPrCsa0OB --yes')
    .action(retry);
  withAction(withAges(withFilters(group.command('discard').description(`Give up the failing event at the head of each queue, for good, and apply the rest. Its body stays in webhook_events. ${DRY_RUN_RULE}`))), null)
    .addHelpText('after', '\nExample:\n  npx dakia parked discard --key rfnd_FS8TWyPrCsa0OB --reason "amount is nonsense, see ticket 42" --yes')
    .action(discard);
};

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const filter = filterOf(options);
  const parked = await withDatabase(command, OPERATOR_ROLE, (database) => listParked(database, { ...filter, limit: options.limit }));
  if (options.json) return printJson({ parked });
  if (parked.length === 0) return print(Object.keys(filter).length === 0 ? 'nothing is parked' : 'nothing that is parked matches');
  const rows = parked.map((row) => [row.family, row.key, row.waiting, row.attempts, row.parkedAt.toISOString(), row.nextAttemptAt.toISOString(), row.failingEventId, row.reason]);
  print(table([['family', 'key', 'waiting', 'attempts', 'parked at', 'next attempt', 'failing event', 'reason'], ...rows]));
  if (parked.length === options.limit) print(`the first ${options.limit}; --limit shows more`);
};

const candidateOf = ({ family, event, key, failingEventId, reason }: ParkedKey): Candidate => ({ family, event, key, eventId: failingEventId, cause: reason });

type Act = (options: ParkedOptions, ref: KeyRef, action: ActOptions) => Promise<RetryOutcome>;

const actOn =
  (act: Act, done: string) =>
  async (options: ActOptions, command: Command): Promise<void> => {
    const filter = actionFilterOf(options);
    const policy = retryOptions();
    await withDatabase(command, OPERATOR_ROLE, async (database: Database) =>
      runBulk(options, {
        items: await listParked(database, { ...filter, limit: BULK_MAX }),
        candidateOf,
        act: (key) => act({ database, ...policy }, { family: key.family, key: key.key }, options),
        isOk: isUnparked,
        describe: describeRetry,
        noun: 'parked keys',
        done,
      }),
    );
  };

const retry = actOn(retryParked, 'retried');
const discard = actOn(discardParked, 'discarded');
