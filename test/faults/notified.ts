import type { ReceivedRequest, Receiver } from '#kit';
import { notificationAccount } from '../kit/notification-account.ts';
import type { SystemFixture } from '../kit/system-fixture.ts';

/** What the receiver got of one notification. */
export interface Received {
  readonly requests: readonly ReceivedRequest[];
  /** Those that were answered 200. */
  readonly taken: number;
}

export const receivedBy = ({ received }: Receiver): ReadonlyMap<string, Received> =>
  new Map(
    [...Map.groupBy(received, ({ id }) => id)].map(([id, requests]) => [
      id,
      { requests, taken: requests.filter(({ status }) => status === 200).length },
    ]),
  );

interface Row {
  readonly id: string;
  readonly fact_id: string;
  readonly entity_key: string;
}

/**
 * Demands that nothing shows of the faults at the receiver either: every fact has its
 * notification, every notification was taken at least once, under one id and with one
 * sequence, and nothing came that is in no row. Answers how many deliveries were repeats.
 */
export const everyFactIsNotified = async (
  fixture: SystemFixture,
  receiver: Receiver,
): Promise<{ readonly facts: number; readonly repeats: number }> => {
  const { ok, facts, notifications } = await fixture.withDatabase(notificationAccount);
  const rows = await fixture.rows<Row>('SELECT id, fact_id, entity_key FROM notifications');
  const untold = await fixture.rows(
    'SELECT name, entity_key FROM outbox WHERE NOT EXISTS (SELECT FROM notifications WHERE fact_id = outbox.id)',
  );
  expect({ ok, relayed: facts.relayed, delivered: notifications.delivered, all: notifications.total, untold }).toEqual({
    ok: true,
    relayed: facts.total,
    delivered: facts.total,
    all: facts.total,
    untold: [],
  });

  const seen = receivedBy(receiver);
  const missing = rows.filter(({ id }) => (seen.get(id)?.taken ?? 0) === 0);
  const strangers = [...seen.keys()].filter((id) => !rows.some((row) => row.id === id));
  // One fact under two ids would be a repeat that the receiver cannot recognise.
  const notified = new Set(rows.map(({ fact_id }) => fact_id));
  const different = rows.filter(({ id, fact_id, entity_key }) =>
    seen.get(id)?.requests.some(({ sequence, entityId }) => sequence !== Number(fact_id) || entityId !== entity_key),
  );
  const refused = receiver.received.flatMap(({ refusal }) => refusal ?? []);
  expect({ missing, strangers, different, refused, facts: notified.size }).toEqual({
    missing: [],
    strangers: [],
    different: [],
    refused: [],
    facts: rows.length,
  });
  return { facts: rows.length, repeats: [...seen.values()].reduce((sum, { taken }) => sum + taken - 1, 0) };
};
