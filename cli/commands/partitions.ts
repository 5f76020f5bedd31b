import type { Command } from 'commander';
import { applyPartitions, RETIRE_DAYS_MIN, retirePartitions } from '#operate';
import { now } from '#platform/time';
import { currentUser, withMaintenance } from '../connections.ts';
import { noneOf, print, printJson, printTable, wholeNumber } from '../output.ts';

interface RetireOptions {
  readonly keepDays: number;
  readonly execute: boolean;
  readonly withUnprocessed: boolean;
  readonly reason: string;
  readonly who: string;
  readonly json: boolean;
}

const KEEP_DAYS_MAX = 36_500;

export const addPartitions = (program: Command): void => {
  const group = program
    .command('partitions')
    .description(
      'Make and retire the daily partitions of webhook_events. DATABASE_URL must be the owner of the tables.',
    );
  group
    .command('apply')
    .description('Make the partitions of the coming days. Run it daily.')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia partitions apply')
    .action(apply);
  group
    .command('retire')
    .description('Say which old partitions can go; with --execute, drop them. What is parked stays.')
    .option(
      '--keep-days <n>',
      'days to keep; more where topics are kept longer than `topics apply` asks for by itself',
      wholeNumber(RETIRE_DAYS_MIN, KEEP_DAYS_MAX),
      RETIRE_DAYS_MIN,
    )
    .option('--execute', 'drop them', false)
    .option('--with-unprocessed', 'also give up quarantined and dead events in them', false)
    .option('--reason <text>', 'kept in audit_logs', 'retention')
    .option('--who <name>', 'who decides, kept in audit_logs', currentUser())
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia partitions retire --keep-days 365 --execute')
    .action(retire);
};

const apply = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const made = await withMaintenance(command, (database) => applyPartitions(database, now()));
  if (json) printJson({ ok: true, made });
  else
    print(
      made.length === 0
        ? 'all partitions are there'
        : made
            .map(
              ({ name, moved }) =>
                `made ${name}${moved === 0 ? '' : `, with ${moved} rows from the default partition`}`,
            )
            .join('\n'),
    );
};

const retire = async (options: RetireOptions, command: Command): Promise<void> => {
  const retired = await withMaintenance(command, (database) => retirePartitions(database, now(), options));
  if (options.json) printJson({ ok: true, executed: options.execute, partitions: retired });
  else if (retired.length === 0) print(noneOf(`partitions older than ${options.keepDays} days`, false));
  else {
    const fate = options.execute ? 'dropped' : 'would be dropped';
    printTable([
      ['partition', 'rows', 'parked', 'unprocessed', ''],
      ...retired.map(({ name, rows, parked, unprocessed, kept }) => [
        name,
        rows,
        parked,
        unprocessed,
        kept === null ? fate : `stays: ${kept}`,
      ]),
    ]);
  }
};
