import { Option } from 'commander';
import type { Command } from 'commander';
import { familyNames } from '#catalogue';
import type { Family } from '#catalogue';
import { allAggregates } from '../../services/aggregates.ts';
import { dropParked, listParked, OPERATOR_ROLE, retryParked } from '#store';
import type { Database, KeyRef, RetryOutcome } from '#store';
import { currentUser, withDatabase } from '../connections.ts';
import { exitCodes, print, printJson, table, UsageError } from '../frame.ts';

interface RetryOptions {
  readonly family?: Family;
  readonly key?: string;
  readonly all?: boolean;
  readonly reason: string;
  readonly who: string;
  readonly json: boolean;
}

export const addParked = (program: Command): void => {
  const group = program.command('parked').description('Entities whose events wait behind one that could not be applied.');
  group
    .command('list')
    .description('Print them, with the reason and how many events wait.')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia parked list')
    .action(list);
  withKey(group.command('retry').description('Apply what waits for an entity, oldest first. Exits 1 when an event fails again.'))
    .option('--all', 'every parked entity')
    .option('--reason <text>', 'kept in audit_logs', 'retried by hand')
    .addHelpText('after', '\nExample:\n  npx dakia parked retry --family refunds --key rfnd_FS8TWyPrCsa0OB')
    .action(retry);
  withKey(group.command('drop').description('Give up the failing event at the head of the queue, for good, and apply the rest. Its body stays in webhook_events.'))
    .requiredOption('--reason <text>', 'why; kept in audit_logs')
    .addHelpText('after', '\nExample:\n  npx dakia parked drop --family refunds --key rfnd_FS8TWyPrCsa0OB --reason "amount is nonsense, see ticket 42"')
    .action(drop);
};

const withKey = (command: Command): Command =>
  command
    .addOption(new Option('--family <name>', 'family of the entity').choices(familyNames))
    .option('--key <id>', 'id of the entity')
    .option('--who <name>', 'who decides, kept in audit_logs', currentUser())
    .option('--json', 'print one JSON object', false);

const list = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const parked = await withDatabase(command, OPERATOR_ROLE, listParked);
  if (json) return printJson({ parked });
  if (parked.length === 0) return print('nothing is parked');
  const rows = parked.map(({ family, key, waiting, attempts, parkedAt, failingEventId, reason }) => [family, key, waiting, attempts, parkedAt.toISOString(), failingEventId, reason]);
  print(table([['family', 'key', 'waiting', 'attempts', 'parked at', 'failing event', 'reason'], ...rows]));
};

const retry = async (options: RetryOptions, command: Command): Promise<void> => {
  const done = await withDatabase(command, OPERATOR_ROLE, async (database) => {
    const keys = options.all === true ? await listParked(database) : [keyOf(options)];
    return each(keys, (key) => retryParked({ database, aggregates: allAggregates }, key, options));
  });
  report(done, options.json);
};

const drop = async (options: RetryOptions, command: Command): Promise<void> => {
  const key = keyOf(options);
  report(await withDatabase(command, OPERATOR_ROLE, (database: Database) => each([key], (one) => dropParked({ database, aggregates: allAggregates }, one, options))), options.json);
};

const keyOf = ({ family, key }: RetryOptions): KeyRef => {
  if (family === undefined || key === undefined) throw new UsageError('Give --family and --key, as npx dakia parked list prints them.');
  return { family, key };
};

type Done = KeyRef & { readonly outcome: RetryOutcome };

const each = async (keys: readonly KeyRef[], act: (key: KeyRef) => Promise<RetryOutcome>): Promise<readonly Done[]> => {
  const done: Done[] = [];
  for (const { family, key } of keys) done.push({ family, key, outcome: await act({ family, key }) });
  return done;
};

const report = (done: readonly Done[], json: boolean): void => {
  const ok = done.every(({ outcome }) => outcome.kind === 'unparked');
  if (json) printJson({ ok, keys: done.map(({ family, key, outcome }) => ({ family, key, ...outcome })) });
  else print(done.length === 0 ? 'nothing is parked' : done.map(describe).join('\n'));
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};

const describe = ({ family, key, outcome }: Done): string => {
  switch (outcome.kind) {
    case 'unparked':
      return `${family} ${key}: applied ${outcome.applied}, nothing waits any more`;
    case 'parked':
      return `${family} ${key}: applied ${outcome.applied}, still parked: ${outcome.reason}`;
    case 'not-parked':
      return `${family} ${key} is not parked`;
  }
};
