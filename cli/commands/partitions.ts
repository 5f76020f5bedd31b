import type { Command } from 'commander';
import { applyPartitions, inPartition, RETIRE_DAYS_MIN, retirePartitions } from '#operate';
import type { RetiredPartition } from '#operate';
import { now } from '#platform/time';
import { currentUser, withMaintenance } from '../connections.ts';
import { exitCodes, noneOf, print, printJson, printTable, wholeNumber } from '../output.ts';
import { forgetPicture, readPicture, rememberPicture } from '../picture.ts';
import type { ShownItem } from '../picture.ts';

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
    .description(
      'Say which old partitions can go; with --execute, drop those that are as they were shown. What is parked stays.',
    )
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
  const { keepDays, withUnprocessed, execute, json } = options;
  const scope = { keepDays, withUnprocessed };
  const picture = execute ? readPicture(command, scope) : undefined;
  const shown = picture === undefined ? {} : { shown: new Map(picture.items.map(({ id, as }) => [id, as])) };
  const retired = await withMaintenance(command, (database) =>
    retirePartitions(database, now(), { ...options, ...shown }),
  );
  if (!execute) rememberPicture(command, scope, retired.map(shownOf));
  const ok = retired.every(({ changed }) => !changed);
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  else if (execute) forgetPicture(command, scope);
  if (json) return printJson({ ok, executed: execute, partitions: retired });
  if (retired.length === 0) return print(noneOf(`partitions older than ${keepDays} days`, false));
  printTable([
    ['partition', 'rows', 'parked', 'unprocessed', ''],
    ...retired.map(({ name, rows, parked, unprocessed, kept }) => [
      name,
      rows,
      parked,
      unprocessed,
      kept === null ? (execute ? 'dropped' : 'would be dropped') : `stays: ${kept}`,
    ]),
  ]);
  if (!ok) print('Run it without --execute to see what there is now.');
};

const shownOf = (partition: RetiredPartition): ShownItem => ({ id: partition.name, as: inPartition(partition) });
