import fc from 'fast-check';
import { eventsOf } from '#catalogue';
import { arrive, bareSnapshot } from '#kit/arrive';
import { obeysTheLaws } from '#kit/laws';
import { eventId, fromEpochSeconds } from '#rules';
import type { FieldValue } from '#rules';
import { accountAggregate } from './index.ts';

const subject = {
  name: fc.constantFrom('Test account', 'Another', ''),
  email: fc.constantFrom('a@example.com', 'b@example.com'),
  activated: fc.constantFrom(true, false, 1, '0'),
  activated_at: fc.constantFrom(0, 1_699_999_990, '1699999991'),
  live: fc.boolean(),
  hold_funds: fc.boolean(),
  suspended_at: fc.constantFrom(0, 1_700_000_030, 'x', {}),
  merchant_detail: fc.constantFrom(
    { activation_status: 'instantly_activated', clarification_mode: null },
    { activation_status: 'x', clarification_mode: 'email' },
    { activation_status: 'rejected' },
    { activation_status: 'Suspended' },
    [],
  ),
  notes: fc.constantFrom([], {}, { a: 1 }),
  created_at: fc.constantFrom(0, 1_699_999_000),
  updated_at: fc.constantFrom(0, 1_700_000_000, '1700000001', 1_700_000_002),
};

/** Columns that the name alone fills. */
const saidBy: Readonly<Record<string, Readonly<Record<string, FieldValue>>>> = {
  'account.suspended': { suspended: true, live: false, payments_enabled: false },
  'account.funds_hold': { hold_funds: true },
  'account.funds_unhold': { hold_funds: false },
  'account.updated': { last_update_id: 'event_bare' },
};

describe('accounts', () => {
  obeysTheLaws({
    aggregate: accountAggregate,
    subject: () => subject,
    said: (event) => saidBy[event] ?? {},
    show: (subject, status) => ({ ...subject, merchant_detail: { activation_status: status } }),
    finalFact: ({ status }) => (status === 'known' ? null : `account.${status}`),
  });

  test('a suspended account is never live, and what says that payments are enabled says that it is not suspended', () => {
    const body = fc.record(
      Object.fromEntries(Object.entries(subject).map(([key, value]) => [key, fc.oneof(value, fc.constant(null))])),
      { requiredKeys: [] },
    );
    const snapshot = fc.record({
      event: fc.constantFrom(...eventsOf('accounts')),
      occurredAt: fc.constantFrom(null, ...[0, 1, 60].map((second) => fromEpochSeconds(1_700_000_000 + second))),
      subject: body,
    });
    fc.assert(
      fc.property(fc.array(snapshot, { minLength: 1, maxLength: 8 }), (given) => {
        const events = given.map((one, index) => ({
          ...bareSnapshot(one.event),
          ...one,
          eventId: eventId(`event_${index}`),
        }));
        for (const { status, values } of arrive(accountAggregate, [events]).path) {
          const { live, payments_enabled: enabled, suspended, suspended_at: since } = values;
          if (suspended !== true) expect([undefined, null]).toContain(since);
          expect([suspended === true, status === 'suspended']).toEqual([status === 'suspended', suspended === true]);
          if (suspended === true) expect([live, enabled]).toEqual([false, false]);
          if (live === true || enabled === true) expect(suspended).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
