import { arrive, bareSnapshot } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import { eventId, fromEpochSeconds } from '#rules';
import type { JsonRecord, Snapshot } from '#rules';
import { downtimeAggregate } from './index.ts';
import { downtimeTransitions } from './transitions.ts';

type DowntimeEvent = keyof typeof downtimeTransitions.absent;

const BEGIN = 1_700_000_000;

/** An event whose downtime was changed at `second`; the envelope's time is the same for all, as it may be. */
const at = (event: DowntimeEvent, second: number, subject: JsonRecord = {}): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second}`),
  occurredAt: fromEpochSeconds(BEGIN),
  subject: { begin: BEGIN, updated_at: BEGIN + second, ...subject },
});

describe('a downtime', () => {
  test('ends with its newest severity and resolved, in every order of started, updated, updated, resolved', () => {
    const state = inEveryOrder(downtimeAggregate, [
      at('payment.downtime.started', 0, { severity: 'high', end: null, instrument: { bank: 'COSB' } }),
      at('payment.downtime.updated', 60, { severity: 'medium', end: null, instrument: { bank: 'COSB' } }),
      at('payment.downtime.updated', 120, { severity: 'low', end: null, instrument: { bank: 'COSB' } }),
      at('payment.downtime.resolved', 180, { end: BEGIN + 180 }),
    ]);
    expect(state.status).toBe('resolved');
    expect(state.values).toMatchObject({
      severity: 'low',
      bank: 'COSB',
      begin_at: BEGIN * 1000,
      end_at: (BEGIN + 180) * 1000,
      changed_at: (BEGIN + 180) * 1000,
    });
  });

  test('between two updates its own updated_at decides, not the envelope and not the order of arrival', () => {
    const older = {
      ...at('payment.downtime.updated', 60, { severity: 'high' }),
      occurredAt: fromEpochSeconds(BEGIN + 999),
    };
    expect(
      inEveryOrder(downtimeAggregate, [older, at('payment.downtime.updated', 61, { severity: 'low' })]).values[
        'severity'
      ],
    ).toBe('low');
  });

  test('without an updated_at the envelope’s time decides', () => {
    const update = (second: number, severity: string): Snapshot => ({
      ...at('payment.downtime.updated', second, { severity, updated_at: 0 }),
      occurredAt: fromEpochSeconds(BEGIN + second),
    });
    expect(inEveryOrder(downtimeAggregate, [update(10, 'high'), update(20, 'medium')]).values['severity']).toBe(
      'medium',
    );
  });

  test('an update that is late never reopens what is resolved', () => {
    const { state } = arrive(downtimeAggregate, [[at('payment.downtime.resolved', 0)]]);
    expect(downtimeAggregate.apply(state, at('payment.downtime.updated', 60))).toMatchObject({
      kind: 'stale',
      next: { status: 'resolved' },
    });
  });

  test('each update is a fact of its own', () => {
    const { state } = arrive(downtimeAggregate, [
      [at('payment.downtime.started', 0), at('payment.downtime.updated', 60)],
    ]);
    expect(downtimeAggregate.apply(state, at('payment.downtime.updated', 120))).toMatchObject({
      facts: [{ kind: 'downtime.updated', occurrence: 'payment.downtime.updated@120' }],
    });
  });

  test('an expected end that an update takes back is unknown again', () => {
    const state = inEveryOrder(downtimeAggregate, [
      at('payment.downtime.started', 0, { end: BEGIN + 3600 }),
      at('payment.downtime.updated', 60, { end: null }),
    ]);
    expect(state.values['end_at']).toBeNull();
  });

  test('the instrument changes as a whole: a handle that became its app keeps no handle', () => {
    const state = inEveryOrder(downtimeAggregate, [
      at('payment.downtime.started', 0, { instrument: { vpa_handle: 'oksbi', flow: 'collect' } }),
      at('payment.downtime.updated', 60, { instrument: { psp: 'google_pay' } }),
      at('payment.downtime.resolved', 90, { instrument: {} }),
    ]);
    expect(state.values).toMatchObject({
      vpa_handle: null,
      flow: null,
      psp: 'google_pay',
      instrument: { psp: 'google_pay' },
    });
  });

  test.each(['type', 'card_type'])('the kind of card is read from instrument.%s', (key) => {
    const { state } = arrive(downtimeAggregate, [
      [at('payment.downtime.started', 0, { instrument: { issuer: 'SBIN', [key]: 'credit' } })],
    ]);
    expect(state?.values).toMatchObject({ issuer: 'SBIN', card_type: 'credit' });
  });

  test('every published body is applied', () => {
    for (const { file, event, body } of publishedBodies((name) => Object.hasOwn(downtimeTransitions.absent, name))) {
      const { state } = arrive(downtimeAggregate, [[snapshotOf(body, file)]]);
      expect([file, `payment.downtime.${String(state?.status)}`]).toEqual([file, event]);
      const { bank, issuer, network, vpa_handle, psp, flow } = state?.values ?? {};
      expect([file, bank ?? issuer ?? network ?? vpa_handle ?? psp ?? flow]).toEqual([file, expect.any(String)]);
    }
  });
});
