import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownTopics } from '#catalogue';
import { allAggregates } from '#families';
import { eventually, openTestKafka, testServers } from '#kit';
import type { TestKafka } from '#kit';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

/** The machine may be busy with others. */
jest.setTimeout(60_000);

let store: TestStore;
let kafka: TestKafka;
let folder: string;
let commands: Dakia;

beforeAll(async () => {
  [store, kafka] = await Promise.all([openTestStore('dakia-refunds', allAggregates), openTestKafka()]);
  folder = mkdtempSync(join(tmpdir(), 'dakia-operate-'));
  commands = openDakia({ DAKIA_TOPIC_PREFIX: kafka.prefix });
  writeFileSync(join(folder, 'env'), environment());
});

/** What npm start writes, as far as these tests need it. */
const environment = (): string =>
  `export KAFKA_BROKERS='${testServers().KAFKA_BROKERS}'\nexport DATABASE_URL='${store.url}'\n`;

afterAll(async () => {
  await Promise.all([commands.close(), store.close(), kafka.close()]);
  rmSync(folder, { recursive: true });
});

const dakia: Dakia['run'] = (...args) => commands.run('--data-dir', folder, ...args);
const json: Dakia['json'] = (...args) => commands.json('--data-dir', folder, ...args);

test('topics: verify names what is missing, apply makes it, verify is content', async () => {
  expect(await dakia('status')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('npx dakia topics apply') as string,
  });
  expect(await dakia('topics', 'verify')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`${ownTopics.length} changes to make, 0 problems`) as string,
  });
  expect(await json('topics', 'apply')).toMatchObject({ ok: true, problems: [] });
  expect(await dakia('topics', 'verify')).toEqual({
    code: 0,
    stdout: `${ownTopics.length} topics are as they should be\n`,
    stderr: '',
  });
  expect(await dakia('topics', 'verify', '--shape', 'production')).toMatchObject({ code: 1 });
});

test('migrate and partitions: a second run finds nothing to do', async () => {
  expect(await json('migrate')).toEqual({ ok: true, applied: [] });
  expect((await dakia('partitions', 'apply')).stdout).toMatch(/^made webhook_events_\d{8}\n/);
  expect(await json('partitions', 'apply')).toEqual({ ok: true, made: [] });
  expect(await json('partitions', 'retire', '--keep-days', '105')).toEqual({
    ok: true,
    executed: false,
    partitions: [],
  });
  expect(await dakia('partitions', 'retire', '--keep-days', '104')).toMatchObject({ code: 2 });
});

test('status says what stands still although everything adds up, why, and for how long', async () => {
  const { clusterId } = await kafka.admin.describeCluster();
  const topic = 'rzp.disputes.v1';
  await kafka.send(topic, 0, [{ value: 'a' }]);
  const insert = `INSERT INTO partition_ledger (consumer_group, topic, partition, cluster_id, first_offset, next_offset,
    moved_at, last_error, last_error_at)
    VALUES ('disputes', $1, $2, $3, 0, 0, now() - interval '1 hour', $4, now())`;
  await store.rows(insert, [topic, 0, clusterId, 'permission denied for table payment_disputes']);
  await store.rows(
    `INSERT INTO parked_keys (family, entity_key, consumer_group, reason, failing_event_id, next_attempt_at)
      VALUES ('disputes', 'disp_1', 'disputes', 'a test', 'ev', now() - interval '5 minutes')`,
  );
  const status = await eventually('the record has waited for a second', async () => {
    const answer = await dakia('status', '--stalled-after', '1');
    return answer.stdout.includes('it has not moved') && answer;
  });
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(
    /^where +problem\nrzp\.disputes\.v1\/0 +1 records wait, and it has not moved for 36\d\d s; its consumer\n +said: permission denied for table payment_disputes\ndisputes +1 parked keys are overdue, the first for 30\d s/,
  );
  expect(status.stdout).toMatch(/adds up: .*\nstands still/);
  expect(await json('status')).toMatchObject({ ok: false, addsUp: true, moves: false, difference: 0 });
  await store.rows("UPDATE partition_ledger SET cluster_id = 'an older cluster' WHERE topic = $1 AND partition = 0", [
    topic,
  ]);
  expect((await dakia('status')).stdout).toMatch(
    /rzp\.disputes\.v1\/0 +the ledger is of the Kafka cluster an older cluster/,
  );
  await store.rows('DELETE FROM parked_keys');
  await store.rows('DELETE FROM partition_ledger');
  await kafka.admin.deleteTopicRecords({
    topic: `${kafka.prefix}${topic}`,
    partitions: [{ partition: 0, offset: '1' }],
  });
});

test('status names what waits in the quarantine although this release understands it', async () => {
  const keep = (id: string, event: string, body: object): Promise<unknown> =>
    store.rows(
      `INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, processed, verdict, reason, endpoint,
         received_at, kafka_topic, kafka_partition, kafka_offset, payload)
       VALUES ($1, now(), $2, false, 'quarantined', 'a reason of another release', 'default', now(), 'rzp.payments.v1',
         0, 0, $3)`,
      [id, event, Buffer.from(JSON.stringify({ event, ...body }))],
    );
  const refund = {
    payload: { refund: { entity: { id: 'rfnd_1' } }, payment: { entity: { id: 'pay_1', status: 'captured' } } },
  };
  await keep('evOdd', 'payment.brand_new', {});
  await keep('evWithout', 'payment.captured', { payload: {} });
  expect(await json('status')).toMatchObject({ ok: true, understood: { events: 0, first: null } });
  await keep('evMet.payment.0123456789abcdef', 'refund.processed', refund);
  await keep('evMet.order.0123456789abcdef', 'refund.processed', refund);
  const { code, stdout } = await dakia('status');
  expect({ code, said: stdout.replaceAll(/\s+/g, ' ') }).toEqual({
    code: 1,
    said: expect.stringContaining(
      'quarantine 1 events wait that this release understands, the first is evMet.payment.0123456789abcdef ' +
        '(refund.processed, a reason of another release): npx dakia quarantine replay --all --yes',
    ) as string,
  });
  expect(await json('status')).toMatchObject({ ok: false, addsUp: true, moves: true, understood: { events: 1 } });
  await store.rows('DELETE FROM webhook_events');
});

test('status adds up to what Kafka and the ledger say, and exits 1 when it does not; ledger rebase moves a partition', async () => {
  const { clusterId } = await kafka.admin.describeCluster();
  const topic = 'rzp.refunds.v1';
  await kafka.send(topic, 1, [{ value: 'a' }, { value: 'b' }, { value: 'c' }]);
  await store.rows(
    `INSERT INTO partition_ledger (consumer_group, topic, partition, cluster_id, first_offset, next_offset, applied,
      duplicate) VALUES ('dakia-refunds', $1, 1, $2, 0, 2, 1, 1)`,
    [topic, clusterId],
  );
  expect(await json('status')).toMatchObject({
    ok: true,
    difference: 0,
    totals: {
      accepted: 3,
      applied: 1,
      duplicate: 1,
      stale: 0,
      rejected: 0,
      parked: 0,
      quarantined: 0,
      dead: 0,
      lag: 1,
    },
  });
  expect(await dakia('status', '--all')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /rzp\.refunds\.v1\/1 +3 +1 +0 +1 .*\n +0 +0 +0 +0 +1\ntotal .*\n.*\n\nadds up.*\nmoves/,
    ) as string,
  });
  expect((await dakia('status')).stdout).toMatch(
    /^received: not known, .*\ntopic .*\n.*\nrzp\.refunds\.v1 +3 +1 .*\n.*\ntotal .*\n.*\n\nadds up.*\nmoves/,
  );

  await store.rows(`UPDATE partition_ledger SET next_offset = 9, applied = 8 WHERE topic = $1 AND partition = 1`, [
    topic,
  ]);
  expect((await dakia('status')).code).toBe(1);
  const rebase = [
    'ledger',
    'rebase',
    '--group',
    'dakia-refunds',
    '--topic',
    topic,
    '--partition',
    '1',
    '--reason',
    'test',
    '--who',
    'asha',
  ];
  expect(await dakia(...rebase, '--to', '4')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('the offsets 0 to 3') as string,
  });
  expect(await dakia(...rebase)).toMatchObject({ code: 2, stderr: expect.stringContaining('--to') as string });
  const to = { clusterId, offset: 3 };
  expect(await json(...rebase, '--to', 'end')).toEqual({
    ok: true,
    executed: false,
    group: 'dakia-refunds',
    topic,
    partition: 1,
    from: { clusterId, offset: 9 },
    to,
  });
  await store.rows(`UPDATE partition_ledger SET next_offset = 10, applied = 9 WHERE topic = $1 AND partition = 1`, [
    topic,
  ]);
  expect(await dakia(...rebase, '--to', 'end', '--yes')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/left alone, it has changed: was offset 9 of .*; is offset 10 of /) as string,
  });
  // The same line once more is no look at it.
  expect(await json(...rebase, '--to', 'end', '--yes')).toMatchObject({ ok: false, kind: 'changed' });
  expect(await store.rows(`SELECT 1 FROM audit_logs WHERE action = 'ledger.rebase'`)).toEqual([]);
  await dakia(...rebase, '--to', 'end');
  expect(await json(...rebase, '--to', 'end', '--yes')).toEqual({
    ok: true,
    executed: true,
    group: 'dakia-refunds',
    topic,
    partition: 1,
    clusterId,
    nextOffset: 3,
    kind: 'moved',
    skipped: 0,
  });
  expect(await json('ledger', 'show')).toMatchObject({
    partitions: [{ group: 'dakia-refunds', topic, partition: 1, nextOffset: 3, counts: { applied: 9, duplicate: 1 } }],
  });
  expect(await store.rows(`SELECT actor FROM audit_logs WHERE action = 'ledger.rebase'`)).toEqual([
    { actor: 'operator:asha' },
  ]);
});

test('schema: check finds nothing registered, register makes it so', async () => {
  writeFileSync(
    join(folder, 'env'),
    `${environment()}export SCHEMA_REGISTRY_URL='${testServers().SCHEMA_REGISTRY_URL}'\n`,
  );
  expect(await dakia('schema', 'check')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('missing') as string,
  });
  expect(await dakia('schema', 'register')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      new RegExp(`^the envelope has id \\d+ under ${ownTopics.length} subjects\n$`),
    ) as string,
  });
  expect(await json('schema', 'check')).toMatchObject({ ok: true });
});

test('doctor asks every server, and says which one does not answer', async () => {
  const { REDIS_URL, SCHEMA_REGISTRY_URL } = testServers();
  writeFileSync(
    join(folder, 'env'),
    `${environment()}export SCHEMA_REGISTRY_URL='${SCHEMA_REGISTRY_URL}'\nexport REDIS_URL='${REDIS_URL}'\n`,
  );
  const well = await dakia('doctor');
  expect(well).toMatchObject({ code: 0, stderr: '' });
  expect(well.stdout).toMatch(
    /^Kafka +ok .*\n( .*\n)?Postgres +ok .*\n( .*\n)?Redis +ok .*\n( .*\n)?schema registry +ok .*\n( .*\n)?$/,
  );
  writeFileSync(join(folder, 'env'), `${environment()}export REDIS_URL='redis://127.0.0.1:1'\n`);
  expect(await json('doctor')).toMatchObject({
    ok: false,
    servers: [
      { ok: true },
      { ok: true },
      { server: 'Redis', ok: false, found: expect.stringContaining('ECONNREFUSED') as string },
      { ok: true, found: expect.stringContaining('not set') as string },
    ],
  });
  expect((await dakia('doctor')).code).toBe(1);
});

test('a setting that is missing, and a server that is not there, are named', async () => {
  const empty = new URL(store.url);
  empty.pathname = '/postgres';
  writeFileSync(join(folder, 'env'), `export DATABASE_URL='${empty.href}'\n`);
  expect(await dakia('dead', 'list')).toMatchObject({
    code: 1,
    stderr:
      'dakia: relation "dead_letters" does not exist; this release has newer tables, which npx dakia migrate ' +
      'makes (DAKIA_CLI_OLD_DATABASE)\n',
  });
  writeFileSync(join(folder, 'env'), `export DATABASE_URL='postgres://u:p@127.0.0.1:1/none'\n`);
  expect(await dakia('topics', 'verify')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('KAFKA_BROKERS: is not set') as string,
  });
  expect(await dakia('parked', 'list')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^dakia: DATABASE_URL: .*ECONNREFUSED 127\.0\.0\.1:1 \(DAKIA_CLI_POSTGRES\)\nStart it, or correct DATABASE_URL; .*\n$/,
    ) as string,
  });
});
