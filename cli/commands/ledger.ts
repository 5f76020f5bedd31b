import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { readLedger, rebaseLedger } from '#apply';
import type { LedgerPlace, LedgerRow, RebaseOutcome } from '#apply';
import { recountLedger } from '#operate';
import type { Recount } from '#operate';
import { readLogs } from '#kafka';
import type { LogOfPartition } from '#kafka';
import { OPERATOR_ROLE } from '#platform/postgres';
import { dispositions } from '#rules';
import { openKafka, withDatabase } from '../connections.ts';
import { exitCodes, noneOf, print, printJson, printTable, UsageError, wholeNumber } from '../output.ts';
import { DRY_RUN_RULE, withDecision } from '../pending-options.ts';
import type { DecisionOptions } from '../pending-options.ts';
import { compareWith, forgetPicture, readPicture, rememberPicture } from '../picture.ts';
import { timeOf } from '../times.ts';

type Target = bigint | 'start' | 'end';

/** Which row of the ledger is meant, and what `withDecision` reads. */
interface RowOptions extends DecisionOptions {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

interface RebaseOptions extends RowOptions {
  readonly to: Target;
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
  withDecision(
    withPartition(
      group
        .command('rebase')
        .description(
          'Move a partition that stands still to another offset of the Kafka cluster that KAFKA_BROKERS names. ' +
            `Events that are passed over are not applied. ${DRY_RUN_RULE}`,
        ),
    ).requiredOption('--to <offset>', 'offset to go on at, or start or end of the log', readTarget),
    null,
  )
    .addHelpText(
      'after',
      '\nExample:\n  npx dakia ledger rebase --group payments --topic rzp.payments.v1 \\\n' +
        '    --partition 3 --to start --reason "new Kafka cluster" --yes',
    )
    .action(rebase);
  withDecision(
    withPartition(
      group
        .command('recount')
        .description(
          'Take the rows of a partition as they are: what npx dakia status --explain finds missing there is from ' +
            `then on counted as retired, what it finds too much as what it stands as. ${DRY_RUN_RULE}`,
        ),
    ),
    null,
  )
    .addHelpText(
      'after',
      '\nExample:\n  npx dakia ledger recount --group payments --topic rzp.payments.v1 \\\n' +
        '    --partition 3 --reason "two rows deleted by hand" --yes',
    )
    .action(recount);
};

/** Which row of the ledger is meant. */
const withPartition = (command: Command): Command =>
  command
    .requiredOption('--group <name>', 'consumer group, as ledger show prints it')
    .requiredOption('--topic <name>', 'topic without the prefix')
    .requiredOption('--partition <n>', 'number of the partition', wholeNumber(0, PARTITION_MAX));

const rowId = ({ group, topic, partition }: RowOptions): string => `${group} ${topic}/${partition}`;
const noRow = (id: string): UsageError =>
  new UsageError(`The ledger has no row for ${id}; npx dakia ledger show prints those there are.`);

const recount = async (options: RowOptions, command: Command): Promise<void> => {
  const { group, topic, partition, json, yes } = options;
  const key = { group, topic, partition };
  const id = rowId(options);
  const was = yes ? readPicture(command, key)?.items.find((item) => item.id === id)?.as : undefined;
  const request = { ...options, execute: yes, ...(was !== undefined && { shown: recountFrom(was) }) };
  const outcome = await withDatabase(command, OPERATOR_ROLE, (database) => recountLedger(database, key, request));
  if (outcome.kind === 'no-row') throw noRow(id);
  const { missing, surplus } = outcome;
  const found = recountInWords(outcome);
  const ok = outcome.kind !== 'changed';
  if (!yes) rememberPicture(command, key, [{ id, as: found }]);
  else if (ok) forgetPicture(command, key);
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json) return printJson({ ok, executed: yes && ok, ...key, missing, surplus });
  if (!ok)
    print(`${id}: ${found}; shown were ${was}. Nothing was changed; run it without --yes to see what there is now.`);
  else
    print(
      `${id}: ${found}${yes ? '; taken as they are' : '. Nothing was changed; give --yes to take them as they are.'}`,
    );
};

const recountInWords = ({ missing, surplus }: Recount): string =>
  `${missing} events that are counted and not there, ${surplus} that are there and not counted`;
const recountFrom = (words: string): Recount => {
  const [missing = 0, surplus = 0] = (words.match(/\d+/g) ?? []).map(Number);
  return { missing, surplus };
};

const show = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const rows = await withDatabase(command, OPERATOR_ROLE, readLedger);
  if (json) return printJson({ ok: true, partitions: rows });
  if (rows.length === 0) return print(noneOf('partitions in the ledger', false));
  const head = ['group', 'topic', 'partition', 'first', 'next', ...dispositions, 'skipped', 'updated'];
  printTable([
    head,
    ...rows.map(({ group, topic, partition, firstOffset, nextOffset, counts, skipped, updatedAt }) => {
      return [
        group,
        topic,
        partition,
        firstOffset,
        nextOffset,
        ...dispositions.map((name) => counts[name]),
        skipped,
        timeOf(updatedAt),
      ];
    }),
  ]);
};

const rebase = async (options: RebaseOptions, command: Command): Promise<void> => {
  const { group, topic, partition, to, json, yes } = options;
  const { kafka, prefix } = await openKafka(command);
  const log = (await readLogs(kafka, { topics: [topic], prefix })).find((one) => one.partition === partition);
  if (log === undefined) throw new UsageError(`Kafka has no partition ${partition} of ${prefix}${topic}.`);
  const target: LedgerPlace = { clusterId: log.clusterId, offset: offsetIn(log, to) };
  const key = { group, topic, partition };
  await withDatabase(command, OPERATOR_ROLE, async (database) => {
    const row = (await readLedger(database)).find(
      (one) => one.group === group && one.topic === topic && one.partition === partition,
    );
    if (row === undefined) throw noRow(rowId(options));
    const scope = { ...key, to: String(to) };
    const shown = { id: rowId(options), as: `${inWords(placeOf(row))}, to ${inWords(target)}` };
    if (!yes) {
      rememberPicture(command, scope, [shown]);
      if (json) return printJson({ ok: true, executed: false, ...key, from: placeOf(row), to: target });
      return print(`${shown.id} would go from ${shown.as}. Nothing was changed; give --yes to do it.`);
    }
    const { changes } = compareWith(readPicture(command, scope), [row], () => shown);
    const [change] = changes?.changed ?? [];
    const outcome: RebaseOutcome =
      change === undefined
        ? await rebaseLedger(database, key, { ...target, startOffset: log.startOffset }, options, placeOf(row))
        : whatChanged(placeOf(row), target);
    const ok = outcome.kind === 'moved' || outcome.kind === 'there-already';
    if (ok) forgetPicture(command, scope);
    else process.exitCode = exitCodes.notAsExpected;
    if (json)
      return printJson({
        ok,
        executed: true,
        ...key,
        clusterId: target.clusterId,
        nextOffset: target.offset,
        ...outcome,
      });
    print(describeRebase(shown.id, target, outcome, change?.was));
  });
};

const placeOf = ({ clusterId, nextOffset }: LedgerRow): LedgerPlace => ({ clusterId, offset: nextOffset });
const inWords = ({ clusterId, offset }: LedgerPlace): string => `offset ${offset} of cluster ${clusterId}`;

const whatChanged = (now: LedgerPlace, target: LedgerPlace): RebaseOutcome =>
  now.clusterId === target.clusterId && now.offset === target.offset
    ? { kind: 'there-already' }
    : { kind: 'changed', now };

const describeRebase = (id: string, target: LedgerPlace, outcome: RebaseOutcome, was = 'elsewhere'): string => {
  switch (outcome.kind) {
    case 'moved':
      return (
        `${id} goes on at ${target.offset}; its consumer takes that up within a ` +
        `minute${outcome.skipped === 0 ? '' : `; ${outcome.skipped} records are passed over and stay counted as skipped`}`
      );
    case 'there-already':
      return `${id}: done meanwhile: it stands at ${inWords(target)}`;
    case 'changed':
      return (
        `${id}: left alone, it has changed: was ${was}; is ${inWords(outcome.now)}, to ${inWords(target)}. Run ` +
        'it without --yes to see what there is now.'
      );
    case 'no-row':
      return `${id}: its row is gone from the ledger`;
  }
};

const offsetIn = ({ topic, partition, startOffset, endOffset }: LogOfPartition, to: Target): bigint => {
  const offset = to === 'start' ? startOffset : to === 'end' ? endOffset : to;
  if (offset >= startOffset && offset <= endOffset) return offset;
  throw new UsageError(
    `The log of ${topic}/${partition} has the offsets ${startOffset} to ${endOffset}; give --to one of ` +
      'them, or start or end.',
  );
};

const readTarget = (text: string): Target => {
  if (text === 'start' || text === 'end') return text;
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError('Give an offset, or start or end.');
};
