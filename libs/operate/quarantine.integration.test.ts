import { readLedger } from '#apply';
import type { RetryPolicy } from '#apply';
import { route } from '#catalogue';
import type { Envelope } from '#envelope';
import { wakeParked } from '#parking';
import type { Parsed } from '#rules';
import {
  aggregates,
  asha,
  event,
  expectAccounted,
  hasty,
  patient,
  QUARANTINE,
  race,
  stateOf,
  TOPIC,
  useRace,
} from '../../test/kit/race.ts';
import type { Sample } from '../../test/kit/race.ts';
import { testEvent } from '../../test/kit/test-store.ts';
import { retryDead } from './operate-dead.ts';
import { listDead, listParked, listQuarantined } from './pending-lists.ts';
import { replayQuarantined } from './quarantine.ts';

useRace();

describe('the quarantine', () => {
  /** As an ingest sends it whose catalogue does not have the event. */
  const unknown = (known: Parsed<Envelope>): Parsed<Envelope> =>
    known.ok
      ? {
          ok: true,
          value: {
            ...known.value,
            kind: 'quarantine',
            event: known.value.event,
            reason: 'unknown-event',
            key: known.value.eventId as never,
          } as never,
        }
      : known;
  const samples: readonly Sample[] = (
    [
      'payment.authorized',
      'payment.failed',
      'payment.captured',
      'payment.captured',
      'payment.failed',
      'payment.authorized',
    ] as const
  ).map((name, index) => ({ key: index % 2, event: name, isPoison: false }));
  const replay = async (eventId: string, router = route, policy: RetryPolicy = patient) =>
    replayQuarantined({ database: race.operator, aggregates, policy }, eventId, asha, router);

  test('replayed once the catalogue has the events, ends in the state of an undisturbed run', async () => {
    const prefix = `q${race.partitions}`;
    const events = samples.map((sample, index) => event(prefix, sample, index));
    const [partition, quarantine, calm] = await Promise.all([
      race.disturbed.partition(TOPIC, race.partitions),
      race.disturbed.partition(QUARANTINE, race.partitions),
      race.undisturbed.partition(TOPIC, race.partitions),
    ]);
    await partition.send(events[0]!, events[1]!);
    await quarantine.send(unknown(events[2]!), unknown(events[3]!), unknown(events[4]!));
    await partition.send(events[5]!);
    await calm.send(...events);
    expect(
      (await listQuarantined(race.operator, { event: 'payment.captured' })).map(({ eventId, reason, topic }) => [
        eventId,
        reason,
        topic,
      ]),
    ).toEqual([
      [`${prefix}_002`, 'unknown-event', QUARANTINE],
      [`${prefix}_003`, 'unknown-event', QUARANTINE],
    ]);

    expect(
      await replay(`${prefix}_002`, () => ({
        kind: 'quarantined',
        reason: 'unknown-event',
        event: 'payment.captured',
      })),
    ).toEqual({ kind: 'not-understood', reason: 'unknown-event (payment.captured)' });
    expect(await replay(`${prefix}_002`)).toEqual({
      kind: 'unparked',
      applied: 1,
      dead: 0,
      event: 'payment.captured',
      family: 'payments',
      key: `${prefix}_k0`,
    });
    for (const id of ['003', '004'])
      expect(await replay(`${prefix}_${id}`)).toMatchObject({ kind: 'unparked', applied: 1 });
    expect(await replay(`${prefix}_002`)).toEqual({ kind: 'not-quarantined' });
    expect(await stateOf(race.disturbed, `${prefix}\\_%`)).toEqual(await stateOf(race.undisturbed, `${prefix}\\_%`));
    expect(
      await race.disturbed.rows(
        "SELECT actor, verdict, reason FROM audit_logs WHERE action = 'quarantine.replay' AND razorpay_event_id = $1",
        [`${prefix}_002`],
      ),
    ).toEqual([{ actor: 'operator:asha', verdict: 'parked', reason: asha.reason }]);
    const [ledger] = (await readLedger(race.disturbed.database)).filter(
      (row) => row.topic === QUARANTINE && row.partition === race.partitions,
    );
    expect(ledger?.counts).toMatchObject({ quarantined: 0, parked: 0, dead: 0 });
    expect((ledger?.counts.applied ?? 0) + (ledger?.counts.stale ?? 0)).toBe(3);
  });

  test('hands events to a key that is parked: they wait for it, are counted where they came from, and one that fails dies like any other', async () => {
    const prefix = `q${race.partitions}`;
    const bad = { ...samples[2]!, key: 0, isPoison: true };
    const [partition, quarantine] = await Promise.all([
      race.disturbed.partition(TOPIC, race.partitions),
      race.disturbed.partition(QUARANTINE, race.partitions),
    ]);
    race.isBugThere = true;
    await partition.send(event(prefix, { ...bad, event: 'payment.authorized' }, 0));
    await quarantine.send(unknown(event(prefix, bad, 1)), unknown(event(prefix, { ...bad, isPoison: false }, 2)));
    expect(await replay(`${prefix}_001`)).toMatchObject({ kind: 'parked', applied: 0, reason: 'a bug' });
    expect(await replay(`${prefix}_002`)).toMatchObject({ kind: 'parked', applied: 0, reason: 'a bug' });
    await expectAccounted();
    expect((await listParked(race.operator, { key: `${prefix}_k0` }))[0]).toMatchObject({
      waiting: 3,
      failingEventId: `${prefix}_000`,
      group: 'payments',
    });

    const wakeHasty = async () =>
      wakeParked(
        { database: race.workers[0]!, aggregates, policy: hasty, actor: 'retry:payments' },
        { family: 'payments', key: `${prefix}_k0` },
      );
    expect(await wakeHasty()).toMatchObject({ kind: 'parked', dead: 1 });
    expect(await wakeHasty()).toMatchObject({ kind: 'unparked', applied: 1, dead: 1 });
    expect(
      (await listDead(race.operator, { key: `${prefix}_k0` })).map(({ eventId, topic, group }) => [
        eventId,
        topic,
        group,
      ]),
    ).toEqual([
      [`${prefix}_000`, TOPIC, 'payments'],
      [`${prefix}_001`, QUARANTINE, 'payments'],
    ]);
    race.isBugThere = false;
    for (const id of ['001', '000'])
      expect(
        await retryDead({ database: race.operator, aggregates, policy: hasty }, `${prefix}_${id}`, asha),
      ).toMatchObject({ kind: 'unparked', applied: 1 });
    const calm = await race.undisturbed.partition(TOPIC, race.partitions);
    await calm.send(
      event(prefix, { ...bad, event: 'payment.authorized' }, 0),
      event(prefix, bad, 1),
      event(prefix, { ...bad, isPoison: false }, 2),
    );
    expect(await stateOf(race.disturbed, `${prefix}\\_%`)).toEqual(await stateOf(race.undisturbed, `${prefix}\\_%`));
  });

  test('replays what was kept for a reason of another release, whatever its text, and lists it with that reason', async () => {
    const quarantine = await race.disturbed.partition(QUARANTINE, race.partitions);
    const reasons = ['held-for-review', 'undecodable', 'undecodable: by a rule of tomorrow'];
    const odd = (reason: string, index: number): Parsed<Envelope> => {
      const known = unknown(event(`q${race.partitions}`, samples[index]!, index));
      return known.ok ? { ok: true, value: { ...known.value, reason } as never } : known;
    };
    await quarantine.send(...reasons.map(odd));
    const listed = await listQuarantined(race.operator, {});
    expect(
      listed.flatMap(({ eventId, reason }) => (eventId.startsWith(`q${race.partitions}_`) ? [reason] : [])),
    ).toEqual(reasons);
    for (const index of reasons.keys())
      expect(await replay(`q${race.partitions}_00${index}`)).toMatchObject({ kind: 'unparked', applied: 1 });
  });

  test.each([
    ['no JSON', 'no json at all', 'not-json'],
    ['an odd shape', '[1, 2]', 'odd-shape'],
    [
      'an event that the catalogue still does not have',
      '{"event":"payment.brand_new"}',
      'unknown-event (payment.brand_new)',
    ],
    ['an event without its subject', '{"event":"payment.captured","payload":{}}', 'no-subject (payment.captured)'],
  ])('keeps what is still not understood, and says why: %s', async (_, body, reason) => {
    const quarantine = await race.disturbed.partition(QUARANTINE, race.partitions);
    const known = event(`q${race.partitions}`, samples[0]!, 0);
    const odd = known.ok
      ? { ok: true as const, value: { ...known.value, occurredAt: null, rawBody: Buffer.from(body) } }
      : known;
    await quarantine.send(unknown(odd));
    expect(await replay(`q${race.partitions}_000`)).toEqual({ kind: 'not-understood', reason });
    expect(
      (await listQuarantined(race.operator, { event: 'payment.authorized' })).map(({ eventId }) => eventId),
    ).toContain(`q${race.partitions}_000`);
  });

  test('keeps what no envelope schema reads, and an event whose family has no rule here', async () => {
    const quarantine = await race.disturbed.partition(QUARANTINE, race.partitions);
    await quarantine.send(
      { ok: false, issues: ['the value is not a framed Avro record'] },
      unknown(testEvent('refund.created', `q${race.partitions}_refund`, 'rfnd_1', { status: 'pending' })),
    );
    expect(await replay(`undecodable-${QUARANTINE}-${race.partitions}-0`)).toEqual({
      kind: 'not-understood',
      reason: 'undecodable: the value is not a framed Avro record',
    });
    expect(await replay(`q${race.partitions}_refund`)).toEqual({
      kind: 'not-understood',
      reason: 'no handler for refunds',
    });
  });
});
