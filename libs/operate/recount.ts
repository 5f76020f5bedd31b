import { operatorActor, readLedger } from '#apply';
import type { LedgerRow, OperatorAction } from '#apply';
import { adHoc, writeAudit } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { readEverything, recordedIn } from './row-audit.ts';

/**
 * `missing`: events that were counted beside what is there and what was retired before; negative where more rows are there.
 * `changed`: it is another number than the operator was shown, so nothing was done.
 */
export type RecountOutcome =
  | { readonly kind: 'counted' | 'changed'; readonly missing: number }
  | { readonly kind: 'no-row' };

export interface RecountRequest extends OperatorAction {
  /** false: only say how many are missing. */
  readonly execute: boolean;
  /** How many were missing when the operator looked; left out when nobody did. None missing any more is not a change. */
  readonly shown?: number;
}

const LOCK = adHoc(
  'SELECT 1 FROM partition_ledger WHERE consumer_group = $1 AND topic = $2 AND partition = $3 FOR UPDATE',
);
const ROWS = adHoc(
  `SELECT (SELECT count(*) FROM webhook_events WHERE kafka_topic = $1 AND kafka_partition = $2 AND verdict <> 'sighted')
        + (SELECT count(*) FROM event_conflicts WHERE kafka_topic = $1 AND kafka_partition = $2 AND kept_as IS NULL) AS events`,
);
const RETIRE = adHoc(
  `UPDATE partition_ledger SET retired = retired + $4, updated_at = now() WHERE consumer_group = $1 AND topic = $2 AND partition = $3`,
);

/**
 * An operator takes the rows of a partition as they are: what is missing counts as retired, so that the next loss is seen. Its consumer
 * waits while the rows are counted.
 */
export const recountLedger = async (
  database: Database,
  { group, topic, partition }: Pick<LedgerRow, 'group' | 'topic' | 'partition'>,
  { who, reason, execute, shown }: RecountRequest,
): Promise<RecountOutcome> =>
  database.transaction(async (tx) => {
    if (execute) await tx.query(LOCK, [group, topic, partition]);
    await readEverything(tx);
    const row = (await readLedger(tx)).find(
      (one) => one.group === group && one.topic === topic && one.partition === partition,
    );
    if (row === undefined) return { kind: 'no-row' };
    const [there] = await tx.query<{ readonly events: number }>(ROWS, [topic, partition]);
    const missing = recordedIn(row.counts) - row.retired - (there?.events ?? 0);
    if (execute && missing !== 0 && shown !== undefined && shown !== missing) return { kind: 'changed', missing };
    if (execute && missing !== 0) {
      await tx.query(RETIRE, [group, topic, partition, missing]);
      await writeAudit(tx, {
        actor: operatorActor(who),
        action: 'ledger.recount',
        reason: `${group} ${topic}/${partition}: ${missing} events that are not there: ${reason}`,
      });
    }
    return { kind: 'counted', missing };
  });
