import { topicsOf } from '#catalogue';
import { encodeEnvelope } from '#envelope';
import { createTestDatabase, eventually, openTestKafka, testServers } from '#kit';
import { createLogger } from '#platform/log';
import { adHoc, createDatabase, createOutboxListener, roleOf } from '#platform/postgres';
import { startServices } from '#platform/service';
import { startPostgresProxy } from '../test/faults/postgres-proxy.ts';
import { testEvent } from '../test/kit/test-store.ts';
import { defineDomainService } from './domain-service.ts';

/** A frozen Postgres is found out, and waited for, in steps of seconds. */
jest.setTimeout(120_000);

const SCHEMA_ID = 1;
/** Promised are 200 ms; a busy machine has pauses of its own. A frozen Postgres would take 5 s. */
const AT_ONCE_MS = 1_500;

test('a service notifies when a commit has left facts, and not for what it knew already', async () => {
  const [database, kafka] = await Promise.all([createTestDatabase(), openTestKafka()]);
  const [topic = ''] = topicsOf('disputes');
  await kafka.createTopic(topic, 1);
  const pool = createDatabase({ url: database.url, poolSize: 1, applicationName: 'dakia-test' });
  const environment = {
    ...testServers(),
    SCHEMA_REGISTRY_URL: undefined,
    DATABASE_URL: database.url,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    DAKIA_QUEUE_PREFIX: kafka.prefix,
    DAKIA_OPS_HOST: '127.0.0.1',
    DAKIA_OPS_PORT: '0',
  };
  const started = await startServices('disputes', [defineDomainService('disputes')], environment, {
    write: () => undefined,
  });
  if (!started.ok) throw new Error(started.issues.join('\n'));
  let received = 0;
  const listener = createOutboxListener({
    url: database.url,
    role: roleOf('notifier'),
    applicationName: 'dakia-test-signal',
    onSignal: () => void (received += 1),
    log: createLogger('test', 'silent'),
  });
  try {
    listener.start();
    await eventually('somebody listens', () => received === 1);
    const send = async (id: string): Promise<void> => {
      const envelope = testEvent('payment.dispute.created', id, 'disp_1', { status: 'open', phase: 'chargeback' });
      if (!envelope.ok) throw new Error('no envelope');
      const { key, value, headers } = encodeEnvelope(envelope.value, SCHEMA_ID);
      await kafka.send(topic, 0, [{ key, value, headers }]);
    };
    await send('ev_1');
    await eventually('the signal is received', () => received === 2, 30_000);
    await send('ev_1');
    await eventually(
      'it came again',
      async () => (await pool.query(adHoc('SELECT 1 FROM partition_ledger WHERE duplicate = 1'))).length === 1,
    );
    await pool.query(adHoc(`SELECT pg_notify('dakia_outbox', '')`));
    await eventually('what was signalled before this is received', () => received > 2);
    expect(received).toBe(3);
  } finally {
    await listener.stop();
    await started.value.stop();
    await kafka.close();
    await pool.close();
    await database.drop();
  }
});

test('ready is who has joined and knows its positions; a Postgres that freezes later is told, and makes nobody wait or unready', async () => {
  const [database, kafka] = await Promise.all([createTestDatabase(), openTestKafka()]);
  const proxy = await startPostgresProxy(database.url);
  await kafka.createTopic(topicsOf('disputes')[0] ?? '', 1);
  proxy.hold();
  const started = await startServices(
    'disputes',
    [defineDomainService('disputes')],
    {
      ...testServers(),
      SCHEMA_REGISTRY_URL: undefined,
      DATABASE_URL: proxy.url,
      DAKIA_TOPIC_PREFIX: kafka.prefix,
      DAKIA_QUEUE_PREFIX: kafka.prefix,
      DAKIA_OPS_HOST: '127.0.0.1',
      DAKIA_OPS_PORT: '0',
    },
    { write: () => undefined },
  );
  if (!started.ok) throw new Error(started.issues.join('\n'));
  const ask = async (path: string) => {
    const begun = performance.now();
    const response = await fetch(`http://127.0.0.1:${started.value.opsPort()}${path}`);
    const text = await response.text();
    return { status: response.status, text, ms: performance.now() - begun };
  };
  const isUp = async (up: boolean): Promise<boolean> =>
    (await ask('/readyz')).text.includes(`"postgres":{"up":${up},`) &&
    (await ask('/metrics')).text.includes(`dakia_dependency_up{dependency="postgres"} ${up ? 1 : 0}`);
  try {
    const early = await ask('/readyz');
    expect([early.status, early.text]).toEqual([503, expect.stringContaining('consumer of disputes')]);
    await eventually(
      'it looks up its position',
      async () => {
        const { status, text } = await ask('/readyz');
        expect(status).toBe(503);
        return text.includes('looks up the position of 1 partitions');
      },
      20_000,
    );
    proxy.release();
    await eventually('ready', async () => (await ask('/readyz')).status === 200, 20_000);
    await eventually('Postgres is up', () => isUp(true), 15_000);

    proxy.hold();
    for (const path of ['/metrics', '/readyz']) {
      const { status, ms } = await ask(path);
      expect([path, status, ms < AT_ONCE_MS]).toEqual([path, 200, true]);
    }
    await eventually('Postgres is down', () => isUp(false), 15_000);
    expect((await ask('/readyz')).status).toBe(200);
    proxy.release();
    await eventually('Postgres is up again', () => isUp(true), 15_000);
  } finally {
    proxy.release();
    await started.value.stop();
    proxy.close();
    await kafka.close();
    await database.drop();
  }
});
