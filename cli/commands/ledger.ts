import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { readLedger, rebaseLedger } from '#apply';
import { readLogs } from '#platform/kafka';
import type { LogOfPartition } from '#platform/kafka';
import { OPERATOR_ROLE } from '#platform/postgres';
import { currentUser, kafkaOf, withDatabase } from '../connections.ts';
import { print, printJson, table, UsageError, wholeNumber } from '../frame.ts';

type Target = bigint | 'start' | 'end';

interface RebaseOptions {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly to: Target;
  readonly reason: string;
  readonly who: string;
  readonly json: boolean;
}

const PARTITION_MAX = 100_000;

export const addLedger = (program: Command): void => {
  const group = program.command('ledger').description('The position of every partition, kept in Postgres.');
  group
    .command('show')
    .description('Print where every consumer group stands, and what it counted on the way.')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia ledger show')
    .action(show);
  group
    .command('rebase')
    .description(
      'Move a partition that stands still to another offset of the Kafka cluster that KAFKA_BROKERS names. Events that are passed over are not applied.',
    )
    .requiredOption('--group <name>', 'consumer group, as ledger show prints it')
    .requiredOption('--topic <name>', 'topic without the prefix')
    .requiredOption('--partition <n>', 'number of the partition', wholeNumber(0, PARTITION_MAX))
    .requiredOption('--to <offset>', 'offset to go on at, or start or end of the log', readTarget)
    .requiredOption('--reason <text>', 'why; kept in audit_logs')
    .option('--who <name>', 'who decides, kept in audit_logs', currentUser())
    .option('--json', 'print one JSON object', false)
    .addHelpText(
      'after',
      '\nExample:\n  npx dakia ledger rebase --group dakia-payments --topic rzp.payments.v1 --partition 3 --to start --reason "new Kafka cluster"',
    )
    .action(rebase);
};

const show = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const rows = await withDatabase(command, OPERATOR_ROLE, readLedger);
  if (json) return printJson({ partitions: rows });
  const head = [
    'group',
    'topic',
    'partition',
    'first',
    'next',
    'applied',
    'duplicate',
    'stale',
    'rejected',
    'parked',
    'quarantined',
    'dead',
    'skipped',
    'updated',
  ];
  print(
    table([
      head,
      ...rows.map(({ group, topic, partition, firstOffset, nextOffset, counts, skipped, updatedAt }) => {
        const { applied, duplicate, stale, rejected, parked, quarantined, dead } = counts;
        return [
          group,
          topic,
          partition,
          firstOffset,
          nextOffset,
          applied,
          duplicate,
          stale,
          rejected,
          parked,
          quarantined,
          dead,
          skipped,
          updatedAt.toISOString(),
        ];
      }),
    ]),
  );
};

const rebase = async (
  { group, topic, partition, to, reason, who, json }: RebaseOptions,
  command: Command,
): Promise<void> => {
  const { kafka, prefix } = kafkaOf(command);
  const log = (await readLogs(kafka, { topics: [topic], prefix })).find((one) => one.partition === partition);
  if (log === undefined) throw new UsageError(`Kafka has no partition ${partition} of ${prefix}${topic}.`);
  const offset = offsetIn(log, to);
  const skipped = await withDatabase(command, OPERATOR_ROLE, (database) =>
    rebaseLedger(
      database,
      { group, topic, partition },
      { clusterId: log.clusterId, startOffset: log.startOffset, offset },
      { who, reason },
    ),
  );
  if (skipped === undefined)
    throw new UsageError(
      `The ledger has no row for ${group} ${topic}/${partition}; npx dakia ledger show prints those there are.`,
    );
  if (json) printJson({ ok: true, group, topic, partition, clusterId: log.clusterId, nextOffset: offset, skipped });
  else
    print(
      `${group} ${topic}/${partition} goes on at ${offset}; its consumer takes that up within a minute${skipped === 0 ? '' : `; ${skipped} records are passed over and stay counted as skipped`}`,
    );
};

const offsetIn = ({ topic, partition, startOffset, endOffset }: LogOfPartition, to: Target): bigint => {
  const offset = to === 'start' ? startOffset : to === 'end' ? endOffset : to;
  if (offset >= startOffset && offset <= endOffset) return offset;
  throw new UsageError(
    `The log of ${topic}/${partition} has the offsets ${startOffset} to ${endOffset}; give --to one of them, or start or end.`,
  );
};

const readTarget = (text: string): Target => {
  if (text === 'start' || text === 'end') return text;
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError('Give an offset, or start or end.');
};
