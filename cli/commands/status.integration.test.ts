/** What `status` says when Kafka takes its questions and does not answer them. */
import { createSystemFixture } from '../../test/kit/system-fixture.ts';
import type { SystemFixture } from '../../test/kit/system-fixture.ts';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import { startKafkaProxy } from '../../test/faults/kafka-proxy.ts';
import type { KafkaProxy } from '../../test/faults/kafka-proxy.ts';
import { testServers } from '#kit';

/** Of Kafka's protocol guide: asked for where a log begins and ends, after the first contact. */
const LIST_OFFSETS = 2;
const ALL = 1_000_000;
const TIMEOUT_S = 2;
/** From the start of the process to its end. What Kafka is asked has 10 s for each of four attempts without a bound. */
const ENDED_WITHIN_MS = 30_000;

let proxy: KafkaProxy;
let fixture: SystemFixture;

beforeAll(async () => {
  const addresses = testServers();
  proxy = await startKafkaProxy(addresses.KAFKA_BROKERS.split(',')[0] ?? '');
  fixture = await createSystemFixture(addresses, { KAFKA_BROKERS: proxy.address });
  await fixture.rows(
    `INSERT INTO partition_ledger (consumer_group, topic, partition, cluster_id, first_offset, next_offset, applied,
       duplicate, moved_at, last_error, last_error_at)
     VALUES ('payments', 'rzp.payments.v1', 0, 'a cluster', 0, 5, 4, 1, now() - interval '1 hour', 'no such table', now()),
            ('payments', 'rzp.payments.v1', 1, 'a cluster', 0, 2, 2, 0, now(), NULL, NULL)`,
  );
}, 60_000);
afterAll(async () => {
  proxy.loseResponses(LIST_OFFSETS, 0);
  await fixture.close();
  await proxy.close();
}, 60_000);

test('it ends in time, says who did not answer, and what is known without', async () => {
  proxy.loseResponses(LIST_OFFSETS, ALL);
  const since = performance.now();
  const { code, answer, stderr } = await fixture.dakia('status', '--timeout', String(TIMEOUT_S));
  expect(performance.now() - since).toBeLessThan(ENDED_WITHIN_MS);
  expect(code).toBe(1);
  expect(stderr).toContain(`KAFKA_BROKERS: Kafka cannot be used with this setting, or is away: no answer within 2 s`);
  expect(answer).toMatchObject({
    ok: false,
    setting: 'KAFKA_BROKERS',
    error: expect.stringContaining('DAKIA_CLI_KAFKA') as string,
    counted: {
      totals: { applied: 6, duplicate: 1, parked: 0, skipped: 0 },
      topics: [{ topic: 'rzp.payments.v1', applied: 6, duplicate: 1 }],
      overdue: [],
      told: [{ topic: 'rzp.payments.v1', partition: 0, lastError: 'no such table' }],
    },
    understood: { events: 0 },
    received: null,
  });
}, 60_000);

test('the same for people: problems, figures, and that nobody can say whether it adds up', async () => {
  proxy.loseResponses(LIST_OFFSETS, ALL);
  const dakia = openDakia(fixture.environment, 'own');
  try {
    const { code, stdout, stderr } = await dakia.run('status', '--timeout', String(TIMEOUT_S));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^where +problem\nrzp\.payments\.v1\/0 +its consumer said: no such table\n/);
    expect(stdout).toMatch(/^topic +applied +duplicate\nrzp\.payments\.v1 +6 +1\ntotal +6 +1\n/m);
    expect(stdout).toMatch(/\nnot known without Kafka: .*\n$/);
    expect(stderr).toContain('no answer within 2 s (--timeout)');
  } finally {
    await dakia.close();
  }
  proxy.loseResponses(LIST_OFFSETS, 0);
  const { answer } = await fixture.dakia('status');
  expect(answer).toMatchObject({ ok: false, addsUp: false });
  expect(answer).not.toHaveProperty('counted');
}, 90_000);
