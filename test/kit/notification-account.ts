import type { NotificationStatus } from '#catalogue';
import { adHoc } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/** How facts and notifications add up, as of one moment. */
export interface NotificationAccount {
  /** No notification is about a fact that the outbox does not have as relayed. */
  readonly ok: boolean;
  readonly facts: { readonly total: number; readonly relayed: number; readonly unrelayed: number };
  readonly notifications: Readonly<Record<NotificationStatus | 'total', number>>;
  /**
   * Notifications whose fact is not in the outbox, or not relayed:
   * each was planned in the transaction that relayed its fact.
   */
  readonly orphans: number;
}

type Row = NotificationAccount['notifications'] & {
  readonly facts: number;
  readonly relayed: number;
  readonly orphans: number;
};

const COUNTS = (['pending', 'retrying', 'delivered', 'failed', 'cancelled'] as const)
  .map((status) => `count(*) FILTER (WHERE n.status = '${status}') AS ${status}`)
  .join(', ');
/**
 * One statement sees one moment, so that a relay at work does not
 * blur it. It reads both tables whole: for people and tests.
 */
const ACCOUNT = adHoc(
  `SELECT (SELECT count(*) FROM outbox) AS facts, (SELECT count(relayed_at) FROM outbox) AS relayed,
          count(*) AS total, ${COUNTS},
          count(*) FILTER (WHERE o.relayed_at IS NULL) AS orphans
     FROM notifications n LEFT JOIN outbox o ON o.id = n.fact_id`,
);

export const notificationAccount = async (database: Transaction): Promise<NotificationAccount> => {
  const [row] = await database.query<Row>(ACCOUNT);
  if (row === undefined) throw new Error('an aggregate answered without a row');
  const { facts, relayed, orphans, ...notifications } = row;
  return { ok: orphans === 0, facts: { total: facts, relayed, unrelayed: facts - relayed }, notifications, orphans };
};
