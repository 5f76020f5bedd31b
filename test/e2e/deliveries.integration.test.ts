import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventNames, families, familyNames, isModelled, topics } from '#catalogue';
import { deliveriesOfCase, eventually, publishedBodies } from '#kit';
import { instant } from '#rules';
import type { Received } from '#operate';
import { applyTopics, embeddedShape } from '#kafka';
import { buildEvent } from '#simulator';
import { openDakia } from '../kit/cli/run-dakia.ts';
import type { Dakia } from '../kit/cli/run-dakia.ts';
import { newSecret } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

/** What a full machine may take: the load, and until all of it is applied. */
const APPLIED_WITHIN_MS = 90_000;
/** Deliveries that are under way at once, where their order says nothing. */
const AT_ONCE = 16;

let system: System;
let dakia: Dakia;
let folder: string;
const it = testsOf(() => system);
const liveSecret = newSecret();
const liveFile = (...secrets: readonly string[]): void =>
  writeFileSync(join(folder, 'endpoints'), secrets.map((secret) => `live: ${secret}\n`).join(''));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-e2e-'));
  liveFile(liveSecret);
  system = await startSystem({ settings: { RAZORPAY_WEBHOOK_ENDPOINTS_FILE: join(folder, 'endpoints') } });
  dakia = openDakia(system.environment);
}, 30_000);
afterAll(async () => {
  await dakia.close();
  await system.close();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

interface EventRow {
  readonly razorpay_event_id: string;
  readonly event_type: string;
  readonly processed: boolean;
  readonly verdict: string;
  readonly reason: string | null;
}
const eventRows = (ids: readonly string[]) =>
  system.rows<EventRow>(
    `SELECT razorpay_event_id, event_type, processed, verdict, reason FROM webhook_events
      WHERE razorpay_event_id = ANY($1) ORDER BY 1`,
    [ids],
  );
const statusWithIngest = async (ingest = `http://localhost:${system.opsPort()}`) => {
  const { code, stdout } = await dakia.run('status', '--ingest', ingest, '--json');
  return { code, answer: JSON.parse(stdout) as { readonly received: Received; readonly lost: readonly unknown[] } };
};
const countOf = async (table: string): Promise<number> =>
  Number((await system.rows<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n);
const paymentOf = async (id: string) =>
  (
    await system.rows<{ status: string; amount_minor: string }>(
      'SELECT status, amount_minor FROM payment_transactions WHERE payment_id = $1',
      [id],
    )
  )[0];

it('all events that have a rule, repeated, shuffled and among forgeries, end in their tables exactly as the rules say', async () => {
  const [count, again, forged] = [600, 180, 30];
  const report = await system.simulate({ count, duplicates: again / count, tamper: forged / count, shuffle: true });
  expect(report).toMatchObject({ unexpected: 0, answers: { 200: count + again, 401: forged } });
  const account = await system.drained(APPLIED_WITHIN_MS);
  expect(await system.verify(report.run)).toMatchObject({ ok: true, events: count, shown: [] });
  const { accepted, sighted, ...totals } = account.totals;
  expect({ ok: account.ok, totals: { ...totals, events: accepted - sighted } }).toMatchObject({
    ok: true,
    totals: { events: count + again, duplicate: again, parked: 0, quarantined: 0, dead: 0 },
  });
  expect(sighted).toBeGreaterThan(count / 10);
  const { code, answer } = await statusWithIngest();
  expect({ code, answer }).toMatchObject({
    code: 0,
    answer: {
      lost: [],
      received: {
        ...{ processes: 1, silent: [], received: count + again + forged, accepted: count + again, quarantined: 0 },
        ...{ refused: forged, unavailable: 0 },
      },
    },
  });
  const reasons = answer.received.reasons.map(([reason]) => reason);
  expect(reasons.toSorted()).toEqual(['signature-mismatch', 'signature-missing']);
  // What Kafka has confirmed to ingest is what Kafka has, topic by topic.
  expect(answer.received.confirmed).toEqual(
    Object.fromEntries(account.topics.filter((one) => one.accepted > 0).map((one) => [one.topic, one.accepted])),
  );
  expect(await countOf('webhook_events')).toBe(count);
  expect(
    await system.rows(
      `SELECT 1 FROM audit_logs WHERE action = 'event' GROUP BY razorpay_event_id, entity_key HAVING count(*) > 1`,
    ),
  ).toEqual([]);
  const types = await system.rows<{ event_type: string }>('SELECT DISTINCT event_type FROM webhook_events');
  const sent = types.map(({ event_type }) => event_type);
  expect(eventNames.filter((event) => isModelled(event) && !sent.includes(event))).toEqual([]);
  for (const family of familyNames) expect([family, await countOf(families[family].table)]).not.toEqual([family, 0]);
}, 180_000);

it('what is authentic but not understood is answered 200 and kept with its reason', async () => {
  const noId = Buffer.from(
    JSON.stringify({
      entity: 'event',
      event: 'payment.captured',
      payload: { payment: { entity: { status: 'captured' } } },
    }),
  );
  const posted = [
    [
      'qUnknownEvent1',
      JSON.stringify({ entity: 'event', event: 'payment.teleported', payload: {} }),
      'unknown-event',
      'payment.teleported',
    ],
    ['qNotJson000001', 'event=payment.captured', 'not-json', '(none)'],
    ['qOddShape00001', '["payment.captured"]', 'odd-shape', '(none)'],
    [
      'qNoSubject0001',
      JSON.stringify({ entity: 'event', event: 'refund.created', payload: {} }),
      'no-subject',
      'refund.created',
    ],
    ['qNoEntityId001', noId, 'no-entity-id', 'payment.captured'],
  ] as const;
  for (const [eventId, body] of posted)
    expect([eventId, await system.post({ eventId, body })]).toEqual([eventId, { status: 200, reason: 'quarantined' }]);
  await system.drained();
  const expected = posted.map(([id, , reason, type]) => ({
    razorpay_event_id: id,
    event_type: type,
    processed: false,
    verdict: 'quarantined',
    reason,
  }));
  expect(await eventRows(posted.map(([id]) => id))).toEqual(
    expected.sort((a, b) => (a.razorpay_event_id < b.razorpay_event_id ? -1 : 1)),
  );
  const [kept] = await system.rows<{ payload: Buffer }>(
    `SELECT payload FROM webhook_events WHERE razorpay_event_id = 'qNotJson000001'`,
  );
  expect(String(kept?.payload)).toBe('event=payment.captured');
});

it('a delivery without an event id gets one from its body, so that its repetition is known again', async () => {
  const event = buildEvent('refund.processed', { seed: 'without an id', at: instant(Date.now()) });
  const derived = `sha256.${createHash('sha256').update(event.body).digest('hex')}`;
  expect(
    [await system.post({ body: event.body }), await system.post({ body: event.body })].map(({ status }) => status),
  ).toEqual([200, 200]);
  await system.drained();
  expect(await eventRows([derived])).toMatchObject([{ event_type: 'refund.processed', verdict: 'applied' }]);
});

it('every published body is applied or kept, none is quarantined', async () => {
  // Some pages print the same body; a copy is one, whatever its id.
  const bodies = [...new Map(publishedBodies().map((one) => [JSON.stringify(one.body), one])).values()];
  const ids = bodies.map((_, index) => `published${String(index).padStart(5, '0')}`);
  const before = (await system.drained()).totals;
  const next = bodies.entries();
  const lane = async (): Promise<void> => {
    for (const [index, { body }] of next)
      expect((await system.post({ eventId: ids[index] ?? '', body: JSON.stringify(body) })).status).toBe(200);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const { ok, totals } = await system.drained(APPLIED_WITHIN_MS);
  const found = new Map((await eventRows(ids)).map((row) => [row.razorpay_event_id, row]));
  const became = bodies.map(({ file }, index) => [file, found.get(ids[index] ?? '')?.verdict]);
  expect(became.filter(([, verdict]) => !['applied', 'stale', 'kept'].includes(verdict ?? ''))).toEqual([]);
  const changes = {
    accepted: totals.accepted - totals.sighted - (before.accepted - before.sighted),
    quarantined: totals.quarantined - before.quarantined,
    parked: totals.parked,
  };
  expect({ ok, ...changes }).toEqual({
    ok: true,
    accepted: bodies.length,
    quarantined: 0,
    parked: 0,
  });
}, 120_000);

it('a second body under the same event id is applied under the id of its body, and is listed as a conflict', async () => {
  const events = [1, 2].map((number) =>
    buildEvent('payment.captured', {
      eventId: 'conflicting001',
      at: instant(Date.now() - number),
      subject: { id: `pay_Conflict00000${number}`, amount: 100 * number },
    }),
  );
  const before = (await system.drained()).totals;
  for (const event of events) {
    expect(await system.deliver(event)).toBe(200);
    await system.drained();
  }
  for (const event of events) expect(await system.deliver(event)).toBe(200);
  const { ok, totals } = await system.drained();
  expect(await paymentOf('pay_Conflict000001')).toEqual({ status: 'captured', amount_minor: '100' });
  expect(await paymentOf('pay_Conflict000002')).toEqual({ status: 'captured', amount_minor: '200' });
  expect(
    await system.rows(
      `SELECT e.payload FROM event_conflicts c JOIN webhook_events e ON e.razorpay_event_id = c.kept_as
        WHERE c.razorpay_event_id = $1`,
      ['conflicting001'],
    ),
  ).toEqual([{ payload: events[1]?.body }]);
  expect({ ok, applied: totals.applied - before.applied, duplicate: totals.duplicate - before.duplicate }).toEqual({
    ok: true,
    applied: 2,
    duplicate: 2,
  });
  expect(
    system.log.lines().filter(({ msg, claimedId }) => msg === 'an event is applied' && claimedId === 'conflicting001'),
  ).toHaveLength(1);
});

it('r01: all that a forwarder sends under one event id that is none is applied', async () => {
  const built = [1, 2].map(
    (number) => buildEvent('payment.captured', { seed: `no id ${number}`, at: instant(Date.now()) }).body,
  );
  const bodies = [...built, ...deliveriesOfCase('r01').map(({ body }) => Buffer.from(JSON.stringify(body)))];
  for (const body of bodies) expect((await system.post({ body, eventId: 'undefined' })).status).toBe(200);
  await system.drained();
  const ids = bodies.map((body) => `sha256.${createHash('sha256').update(body).digest('hex')}`);
  expect((await eventRows(ids)).map(({ verdict }) => verdict)).toEqual(bodies.map(() => 'applied'));
  expect(await eventRows(['undefined'])).toEqual([]);
});

it('one event that comes by two endpoints is applied once', async () => {
  const event = buildEvent('payment.authorized', {
    seed: 'two endpoints',
    at: instant(Date.now()),
    subject: { id: 'pay_TwoEndpoints01' },
  });
  const before = (await system.drained()).totals;
  expect(await system.deliver(event, { endpoint: 'live', secret: liveSecret })).toBe(200);
  expect(await system.deliver(event)).toBe(200);
  expect(await system.deliver(event, { endpoint: 'live' })).toBe(401);
  const { totals } = await system.drained();
  expect({ applied: totals.applied - before.applied, duplicate: totals.duplicate - before.duplicate }).toEqual({
    applied: 1,
    duplicate: 1,
  });
  expect(await countOf(`audit_logs WHERE entity_key = 'pay_TwoEndpoints01'`)).toBe(1);
});

it('a secret is rotated without a restart: retries come with the old one, replays with the new one, applied once', async () => {
  const next = newSecret();
  const event = buildEvent('payment.failed', {
    seed: 'rotation',
    at: instant(Date.now()),
    subject: { id: 'pay_Rotation000001' },
  });
  const viaLive = (secret: string) => system.deliver(event, { endpoint: 'live', secret });
  expect([await viaLive(liveSecret), await viaLive(next)]).toEqual([200, 401]);
  liveFile(next, liveSecret);
  await eventually('the new secret is taken', async () => (await viaLive(next)) === 200);
  expect(await viaLive(liveSecret)).toBe(200);
  liveFile(next);
  await eventually('the old secret is refused', async () => (await viaLive(liveSecret)) === 401);
  expect(await viaLive(next)).toBe(200);
  await system.drained();
  expect(await countOf(`audit_logs WHERE entity_key = 'pay_Rotation000001'`)).toBe(1);
}, 20_000);

it('a topic that has fewer records than Kafka has confirmed is named, and a process that does not answer is, too', async () => {
  const { answer: before } = await statusWithIngest();
  const topic = families.invoices.topic;
  const confirmed = before.received.confirmed[topic];
  expect(confirmed).toBeGreaterThan(0);
  await system.withAdmin(async (admin) => {
    const full = `${system.prefix}${topic}`;
    await admin.deleteTopics({ topics: [full] });
    await eventually('the topic is gone', async () => !(await admin.listTopics()).includes(full));
  });
  await applyTopics(system.kafka, { topics, prefix: system.prefix, shape: embeddedShape });
  const { code, answer } = await statusWithIngest();
  expect({ code, lost: answer.lost }).toEqual({ code: 1, lost: [{ topic, confirmed, inKafka: 0 }] });
  const away = await statusWithIngest('http://127.0.0.1:1');
  expect(away.answer).toMatchObject({
    lost: [],
    received: { processes: 0, received: 0, since: null, silent: [expect.stringContaining('127.0.0.1:1 does not')] },
  });
}, 120_000);
