import { topicsOf } from '#catalogue';
import { encodeEnvelope } from '#envelope';
import { createTestDatabase, eventually, openTestKafka, testServers } from '#kit';
import { createLogger } from '#platform/log';
import { adHoc, createDatabase, createOutboxListener, roleOf } from '#platform/postgres';
import { startServices } from '#platform/service';
import { testEvent } from '../test/kit/test-store.ts';
import { defineDomainService } from './domain-service.ts';

jest.setTimeout(60_000);

const SCHEMA_ID = 1;

test('a service rings when a commit has left facts, and not for what it knew already', async () => {
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
  let heard = 0;
  const listener = createOutboxListener({
    url: database.url,
    role: roleOf('notifier'),
    applicationName: 'dakia-test-bell',
    heard: () => void (heard += 1),
    log: createLogger('test', 'silent'),
  });
  try {
    listener.start();
    await eventually('somebody listens', () => heard === 1);
    const send = async (id: string): Promise<void> => {
      const envelope = testEvent('payment.dispute.created', id, 'disp_1', { status: 'open', phase: 'chargeback' });
      if (!envelope.ok) throw new Error('no envelope');
      const { key, value, headers } = encodeEnvelope(envelope.value, SCHEMA_ID);
      await kafka.send(topic, 0, [{ key, value, headers }]);
    };
    await send('ev_1');
    await eventually('the bell is heard', () => heard === 2, 30_000);
    await send('ev_1');
    await eventually(
      'it came again',
      async () => (await pool.query(adHoc('SELECT 1 FROM partition_ledger WHERE duplicate = 1'))).length === 1,
    );
    await pool.query(adHoc(`SELECT pg_notify('dakia_outbox', '')`));
    await eventually('what was rung before this is heard', () => heard > 2);
    expect(heard).toBe(3);
  } finally {
    await listener.stop();
    await started.value.stop();
    await kafka.close();
    await pool.close();
    await database.drop();
  }
});
