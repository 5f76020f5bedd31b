import { topics } from '#catalogue';
import { eventually, onTestServer } from '#kit';
import { applyTopics, embeddedShape } from '#kafka';
import { ingest } from '../../services/ingest/service.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem()), 30_000);
afterAll(() => system.close(), 30_000);

it('a Postgres restored from an older copy replays the difference from Kafka by itself', async () => {
  const name = new URL(system.databaseUrl).pathname.slice(1);
  const copy = `${name}_copy`;
  const older = await system.simulate({ count: 120, duplicates: 0.2, shuffle: true });
  await system.drained();
  await system.stop();
  await onTestServer(`CREATE DATABASE ${copy} TEMPLATE ${name}`);

  await system.start();
  const before = await system.drained();
  const newer = await system.simulate({ count: 120, duplicates: 0.2, shuffle: true });
  const after = await system.drained();
  await system.stop();
  await onTestServer(
    `DROP DATABASE ${name} WITH (FORCE)`,
    `CREATE DATABASE ${name} TEMPLATE ${copy}`,
    `DROP DATABASE ${copy}`,
  );
  expect((await system.status()).totals.lag).toBe(after.totals.accepted - before.totals.accepted);
  expect((await system.verify(newer.run)).ok).toBe(false);

  await system.start();
  const repaired = await system.drained();
  expect(repaired).toMatchObject({
    ok: true,
    difference: 0,
    totals: { accepted: after.totals.accepted, duplicate: 48 },
  });
  expect(repaired.totals.accepted - repaired.totals.sighted).toBe(288);
  for (const { run } of [older, newer]) expect(await system.verify(run)).toMatchObject({ ok: true, shown: [] });
}, 60_000);

interface Place {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}
const [OTHER_CLUSTER, GAP, PAST_END] = ['rzp.invoices.v1', 'rzp.disputes.v1', 'rzp.refunds.v1'];
const placesOf = async (topic: string): Promise<readonly Place[]> => {
  const { partitions } = await system.status();
  return partitions
    .filter((one) => one.topic === topic && one.accepted > 0)
    .map(({ group, partition }) => ({ group: group ?? '', topic, partition }));
};
/** Partitions that stand still, as the metrics show them. */
const haltedNow = async (): Promise<readonly string[]> =>
  [...(await system.metrics()).matchAll(/^dakia_partition_halted\{topic="(.*)",partition="(\d+)",reason="(.*)"\} 1$/gm)]
    .map(([, topic, partition, reason]) => `${topic}/${partition} ${reason}`)
    .sort();
const explained = ({ topic, partition }: Place) =>
  system.log
    .lines()
    .filter(
      ({ level, topic: of, partition: number, msg }) =>
        level === 'error' && of === topic && number === partition && msg.includes('stands still'),
    )
    .map(({ msg }) => msg);

it('another cluster, a gap, a log that ends too early: that partition stands still, the others go on, an operator decides', async () => {
  // With a seed, and far fewer than what comes later into the topic
  // that is made anew: every partition has to grow past its old end.
  const before = await system.simulate({ seed: 'before', count: 150 });
  await system.drained();
  await system.stop();

  const [[other], [gap], anew] = await Promise.all([placesOf(OTHER_CLUSTER), placesOf(GAP), placesOf(PAST_END)]);
  if (other === undefined || gap === undefined) throw new Error('no partition with events');
  // Events that nobody has applied are dropped by Kafka, as by a retention that is too short.
  await system.start([ingest]);
  const lost = await system.simulate({ count: 150, stories: ['dispute-rounds', 'dispute-won', 'dispute-lost'] });
  await system.stop();
  const end = (await system.status()).partitions.find(
    ({ topic, partition }) => topic === gap.topic && partition === gap.partition,
  );
  expect(end?.lag).toBeGreaterThan(0);
  await system.withAdmin(async (admin) => {
    await admin.fetchTopicOffsets(`${system.prefix}${gap.topic}`);
    await admin.deleteTopicRecords({
      topic: `${system.prefix}${gap.topic}`,
      partitions: [{ partition: gap.partition, offset: '-1' }],
    });
    // A topic that was made anew.
    await admin.deleteTopics({ topics: [`${system.prefix}${PAST_END}`] });
    await eventually(
      'the topic is gone',
      async () => !(await admin.listTopics()).includes(`${system.prefix}${PAST_END}`),
    );
  });
  await applyTopics(system.kafka, { topics, prefix: system.prefix, shape: embeddedShape });
  // Razorpay's webhooks as read from another cluster.
  await system.rows(`UPDATE partition_ledger SET cluster_id = 'another-cluster' WHERE topic = $1 AND partition = $2`, [
    other.topic,
    other.partition,
  ]);

  await system.start();
  const halted = [other, gap, ...anew];
  const reasonOf = (place: Place): string => (place === other ? 'other-cluster' : place === gap ? 'gap' : 'past-end');
  const expected = halted.map((place) => `${place.topic}/${place.partition} ${reasonOf(place)}`).sort();
  await eventually('they stand still', async () => (await haltedNow()).join() === expected.join());
  for (const place of halted) expect(explained(place)).toHaveLength(1);
  expect(explained(gap)[0]).toMatch(/the offsets \d+ to \d+ are gone from Kafka and were not applied/);

  // New events of the topic that was made anew do not bring its partitions back by themselves, a restart neither.
  const anewEvents = await system.simulate({ seed: 'anew', count: 600, stories: ['refund-normal', 'refund-failed'] });
  const grown = (await system.status()).partitions.filter(({ topic, partition }) =>
    anew.some((place) => place.topic === topic && place.partition === partition),
  );
  expect(
    grown.filter(({ problem, lag }) => lag <= 0 || problem?.includes('an operator has to decide') !== true),
  ).toEqual([]);
  await system.stop();
  await system.start();
  await eventually('they stand still again', async () => (await haltedNow()).join() === expected.join());
  const meanwhile = await system.simulate({
    count: 100,
    stories: ['payment-failed', 'link-cancelled', 'downtimes', 'validations', 'account-activated'],
  });
  expect(await system.verify(meanwhile.run, 15_000)).toMatchObject({ ok: true });
  expect((await system.status()).ok).toBe(false);

  for (const { group, topic, partition } of halted) {
    const answer = await system.dakia(
      'ledger',
      'rebase',
      '--group',
      group,
      '--topic',
      topic,
      '--partition',
      String(partition),
      '--to',
      'start',
      '--reason',
      'the test has decided',
      '--yes',
    );
    expect(answer).toMatchObject({ code: 0 });
  }
  const after = await system.simulate({ count: 150 });
  expect(await system.drained()).toMatchObject({ ok: true, difference: 0 });
  for (const { run } of [before, anewEvents, meanwhile, after])
    expect(await system.verify(run)).toMatchObject({ ok: true, shown: [] });
  expect(await haltedNow()).toEqual([]);
  expect(
    await system.rows(
      `SELECT 1 FROM audit_logs WHERE action = 'ledger.rebase' AND reason LIKE '%the test has decided'`,
    ),
  ).toHaveLength(halted.length);
  // What Kafka had dropped is named, not made up.
  expect((await system.verify(lost.run)).ok).toBe(false);
}, 90_000);
