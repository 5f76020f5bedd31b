import { operatorActor, readLedger, ROW_IDENTITY } from '#apply';
import type { LedgerRow, OperatorAction } from '#apply';
import { adHoc, writeAudit } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { balanceOf, EVENT_ROWS_OF, readEverything, RECORDED } from './row-audit.ts';
import type { EventRows, RowBalance } from './row-audit.ts';

/** How the rows of a partition differ from what the ledger counts of it. */
export interface Recount {
  /** Events that are counted, and neither there nor retired. */
  readonly missing: number;
  /** Events that are there, and not counted. */
  readonly surplus: number;
}

/** `changed`: that is not what the operator was shown, so nothing was done. */
export type RecountOutcome = ({ readonly kind: 'counted' | 'changed' } & Recount) | { readonly kind: 'no-row' };

export interface RecountRequest extends OperatorAction {
  /** false: only say how they differ. */
  readonly execute: boolean;
  /**
   * How they differed when the operator looked; left out when nobody
   * did. That they do not differ any more is no change.
   */
  readonly shown?: Recount;
}

const LOCK = adHoc(
  'SELECT 1 FROM partition_ledger WHERE consumer_group = $1 AND topic = $2 AND partition = $3 FOR UPDATE',
);
const TAKE = adHoc(
  `UPDATE partition_ledger SET retired = retired + $4,
    ${RECORDED.map((name, index) => `${name} = ${name} + $${index + 6}`).join(', ')}, rows_digest = $5::numeric, updated_at = now()
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3`,
);
/** Of a release that kept no digest, or of somebody who wrote them by hand. */
const TAKE_ROWS = adHoc(
  `WITH taken AS (
     UPDATE webhook_events SET counted = true WHERE kafka_topic = $1 AND kafka_partition = $2 AND NOT counted
     RETURNING ${ROW_IDENTITY} AS identity)
   SELECT coalesce(sum(identity), 0)::text AS digest FROM taken`,
);

/**
 * An operator takes the rows of a partition as they are: what is missing counts
 * as retired, so that the next loss is seen, and what stands as something else
 * than was counted is counted so. Its consumer waits while the rows are counted.
 */
export const recountLedger = async (
  database: Database,
  { group, topic, partition }: Pick<LedgerRow, 'group' | 'topic' | 'partition'>,
  { who, reason, execute, shown }: RecountRequest,
): Promise<RecountOutcome> =>
  database.transaction(async (tx) => {
    if (execute) await tx.query(LOCK, [group, topic, partition]);
    await readEverything(tx);
    const ledger = (await readLedger(tx)).filter((one) => one.topic === topic && one.partition === partition);
    if (!ledger.some((one) => one.group === group)) return { kind: 'no-row' };
    const balance = balanceOf(ledger, await tx.query<EventRows>(EVENT_ROWS_OF, [topic, partition]));
    const { missing, surplus } = balance;
    const found: Recount = { missing, surplus };
    if (!execute || (missing === 0 && surplus === 0)) return { kind: 'counted', ...found };
    if (shown !== undefined && (shown.missing !== missing || shown.surplus !== surplus))
      return { kind: 'changed', ...found };
    const { moves, net } = transfersOf(balance);
    const retired = ledger.reduce((sum, one) => sum + one.retired, 0);
    const [taken] = await tx.query<{ readonly digest: string }>(TAKE_ROWS, [topic, partition]);
    const digest = balance.digest + BigInt(taken?.digest ?? 0);
    await tx.query(TAKE, [group, topic, partition, net - retired, digest.toString(), ...moves]);
    await writeAudit(tx, {
      actor: operatorActor(who),
      action: 'ledger.recount',
      reason:
        `${group} ${topic}/${partition}: ${missing} events that are not there, ${surplus} that were ` +
        `not counted: ${reason}`,
    });
    return { kind: 'counted', ...found };
  });

/**
 * What is to be added to each count, in the order of RECORDED, so that no count
 * differs in the other direction than their sum: the sum of all counts stays, because
 * it is the number of offsets that were passed. `net`: what they differ by in sum.
 */
const transfersOf = ({ beside }: RowBalance): { readonly moves: readonly number[]; readonly net: number } => {
  const differences = RECORDED.map((name) => beside.get(name) ?? 0);
  const net = differences.reduce((sum, difference) => sum + difference, 0);
  const over = differences.reduce((sum, difference) => sum + Math.max(0, difference), 0);
  const under = over - net;
  let [take, give] = [Math.min(over, under), Math.min(over, under)];
  const moves = differences.map((difference) => {
    const moved = difference > 0 ? -Math.min(difference, take) : Math.min(-difference, give);
    if (moved < 0) take += moved;
    else give -= moved;
    return moved;
  });
  return { moves, net };
};
