import type { ReceivedRequest, Receiver } from '#testkit';
import type { World } from '../../libs/testkit/system-world.ts';

/** What the receiver heard of one notification. */
export interface Heard {
  readonly requests: readonly ReceivedRequest[];
  /** Those that were answered 200. */
  readonly taken: number;
}

export const heardBy = ({ received }: Receiver): ReadonlyMap<string, Heard> =>
  new Map([...Map.groupBy(received, ({ id }) => id)].map(([id, requests]) => [id, { requests, taken: requests.filter(({ status }) => status === 200).length }]));

interface Row {
  readonly id: string;
  readonly fact_id: string;
  readonly entity_key: string;
  readonly status: string;
}

/**
 * Demands that nothing shows of the faults at the receiver either: every fact has its notification, every notification was taken at least
 * once, under one id and with one sequence, and nothing came that is in no row. Answers how many deliveries were repeats.
 */
export const everyFactIsNotified = async (world: World, receiver: Receiver): Promise<{ readonly facts: number; readonly repeats: number }> => {
  const [facts] = await world.rows<{ told: number; unrelayed: number }>('SELECT count(*)::int AS told, count(*) FILTER (WHERE relayed_at IS NULL)::int AS unrelayed FROM outbox');
  const rows = await world.rows<Row>('SELECT id, fact_id, entity_key, status FROM notifications');
  const untold = await world.rows('SELECT name, entity_key FROM outbox WHERE NOT EXISTS (SELECT FROM notifications WHERE fact_id = outbox.id)');
  const undelivered = rows.filter(({ status }) => status !== 'delivered');
  expect({ unrelayed: facts?.unrelayed, untold, undelivered, rows: rows.length }).toEqual({ unrelayed: 0, untold: [], undelivered: [], rows: facts?.told });

  const heard = heardBy(receiver);
  const missing = rows.filter(({ id }) => (heard.get(id)?.taken ?? 0) === 0);
  const strangers = [...heard.keys()].filter((id) => !rows.some((row) => row.id === id));
  // One fact under two ids would be a repeat that the receiver cannot recognise.
  const told = new Set(rows.map(({ fact_id }) => fact_id));
  const different = rows.filter(({ id, fact_id, entity_key }) => heard.get(id)?.requests.some(({ sequence, entityId }) => sequence !== Number(fact_id) || entityId !== entity_key));
  const refused = receiver.received.flatMap(({ refusal }) => refusal ?? []);
  expect({ missing, strangers, different, refused, facts: told.size }).toEqual({ missing: [], strangers: [], different: [], refused: [], facts: rows.length });
  return { facts: rows.length, repeats: [...heard.values()].reduce((sum, { taken }) => sum + taken - 1, 0) };
};
