import { eventually, onTestServer } from '#kit';
import type { Receiver } from '#kit';
import type { TestNotifier } from '../../test/kit/notify/notifier.ts';
import { at, notifying, receiving, useReceivers } from '../../test/kit/notify/notifying.ts';

jest.setTimeout(120_000);
/** The machine may be busy with others. */
const WITHIN_MS = 40_000;
useReceivers();

const nameOf = (notifier: TestNotifier): string =>
  new URL(notifier.environment['DATABASE_URL'] ?? '').pathname.slice(1);
const alone = (name: string): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`;

/**
 * What docs/notifications.md tells a receiver to do: skip ids that it
 * knows, and numbers below the highest of the entity.
 */
const take = ({ received }: Receiver) => {
  const known = new Set<string>();
  const highest = new Map<string, number>();
  const taken: string[] = [];
  const dropped: string[] = [];
  let repeats = 0;
  for (const { id, entityId, sequence, body } of received) {
    const entity = entityId ?? '';
    const what = `${entity} ${(JSON.parse(body) as { readonly type: string }).type}`;
    if (known.has(id)) repeats += 1;
    else if ((sequence ?? 0) <= (highest.get(entity) ?? 0)) dropped.push(what);
    else taken.push(what);
    known.add(id);
    highest.set(entity, Math.max(sequence ?? 0, highest.get(entity) ?? 0));
  }
  return { taken, dropped, repeats };
};

test('a Postgres restored from a backup goes on above every number that it gave away: receivers that order by it drop nothing', async () => {
  const shop = await receiving();
  const kinds = 'payment.authorized, payment.captured, payment.refunded, payment.failed';
  const notifier = await notifying(
    `destinations: {shop: ${at(shop)}}\nrules:\n  - {name: payments, when: [${kinds}], to: shop}\n`,
  );
  const name = nameOf(notifier);
  let told = 0;
  /** One after the other: deliveries may overtake each other, and this is not about that. */
  const happens = async (kind: 'authorized' | 'captured' | 'refunded', ...keys: readonly string[]): Promise<void> => {
    await notifier.happen(keys.map((key) => ({ kind: `payment.${kind}`, key, status: kind }) as const));
    told += keys.length;
    await eventually(`the shop is told of ${told}`, () => shop.received.length >= told, WITHIN_MS);
    await notifier.until('and it is written', (rows) => rows.every(({ status }) => status === 'delivered'));
  };

  await notifier.start();
  await happens('authorized', 'pay_1', 'pay_2');
  await notifier.stop();
  await onTestServer(alone(name), `CREATE DATABASE ${name}_backup TEMPLATE ${name}`);
  try {
    await notifier.start();
    // These numbers are given away, and the backup knows nothing of them.
    await happens('captured', 'pay_3', 'pay_4', 'pay_5', 'pay_6');
    await happens('captured', 'pay_1');
    await notifier.stop();
    // No restore takes less than the second by which the numbers may lag behind the clock.
    await eventually('a second has passed', async () => {
      const [row] = await notifier.rows<{ readonly behind: number }>(
        'SELECT extract(epoch FROM clock_timestamp())::float8 * 1e6 - max(id) AS behind FROM outbox',
      );
      return (row?.behind ?? 0) > 1_000_000;
    });
    await onTestServer(`DROP DATABASE ${name} WITH (FORCE)`, `CREATE DATABASE ${name} TEMPLATE ${name}_backup`);
    expect(await notifier.notifications()).toHaveLength(2);

    await notifier.start();
    // What is new comes first, and then from Kafka what the backup lacked.
    await happens('refunded', 'pay_1');
    await happens('captured', 'pay_2');
    await happens('captured', 'pay_3', 'pay_4', 'pay_5', 'pay_6');
  } finally {
    await onTestServer(`DROP DATABASE IF EXISTS ${name}_backup WITH (FORCE)`);
  }
  const { taken, dropped, repeats } = take(shop);
  expect(dropped).toEqual([]);
  expect(repeats).toBe(4);
  expect(taken.toSorted()).toEqual(
    [
      ...['pay_1', 'pay_2'].map((key) => `${key} payment.authorized`),
      ...['pay_1', 'pay_2', 'pay_3', 'pay_4', 'pay_5', 'pay_6'].map((key) => `${key} payment.captured`),
      'pay_1 payment.refunded',
    ].toSorted(),
  );
});
