import { deliveriesOfCase } from '#kit/cases';
import { arrive } from '#kit/arrive';
import { snapshotOf } from '#kit/published';
import { at, check, EARLIER, LATER, RECEIVED_AT } from '#kit/saying';
import type { Expected } from '#kit/saying';
import { eventId, fromEpochSeconds } from '#rules';
import type { JsonRecord, Snapshot } from '#rules';
import { aggregateOf } from './aggregates.ts';

const A_YEAR = 365 * 86_400;

describe('the snapshot decides, the name refines', () => {
  const cases: readonly (readonly [string, readonly Snapshot[], Expected])[] = [
    [
      'refund.failed that shows processed',
      [at('refund.failed', EARLIER, { status: 'processed' })],
      {
        status: 'processed',
        values: { provider_status: 'processed' },
        facts: ['refund.processed', 'refund.contradicted'],
        notes: ['refund.failed says failed, its snapshot shows processed'],
      },
    ],
    [
      'payment.dispute.won that shows lost',
      [at('payment.dispute.won', EARLIER, { status: 'lost', phase: 'chargeback', amount_deducted: 50_000 })],
      {
        status: 'lost',
        values: { amount_deducted_minor: 50_000 },
        facts: ['dispute.lost', 'dispute.contradicted'],
        notes: ['payment.dispute.won says won, its snapshot shows lost'],
      },
    ],
    [
      'payment.failed that shows captured',
      [at('payment.failed', EARLIER, { status: 'captured' })],
      { status: 'captured', facts: ['payment.captured', 'payment.contradicted'], notes: ['shows captured'] },
    ],
    [
      'refund.processed that shows pending: not returned by a name',
      [at('refund.processed', EARLIER, { status: 'pending' })],
      { status: 'pending', facts: ['refund.pending'], notes: ['shows pending'] },
    ],
    [
      'refund.processed that shows a status nobody knows: kept as it is, and nobody is told that the money went back',
      [at('refund.processed', EARLIER, { status: 'reversed' })],
      {
        status: 'pending',
        values: { provider_status: 'reversed' },
        facts: [],
        notes: ['status "reversed" is not known'],
      },
    ],
    [
      'a dispute that needs action shows open',
      [at('payment.dispute.action_required', EARLIER, { status: 'open', phase: 'chargeback' })],
      { status: 'action_required', values: { provider_status: 'open' } },
    ],
    [
      'capitals and plural forms fold',
      [at('payment.downtime.started', EARLIER, { status: 'Started', severity: 'HIGH', method: 'cards' })],
      { status: 'started', values: { severity: 'high', method: 'card', provider_status: 'Started' } },
    ],
    [
      'a status with a NUL is none',
      [at('payment.captured', EARLIER, { status: 'capt\u0000ured' })],
      { status: 'created', values: { provider_status: undefined }, facts: [], notes: ['status cannot be read'] },
    ],
    [
      'no time of an end that the snapshot denies: of a refund that failed',
      [at('refund.processed', EARLIER, { status: 'failed' })],
      { status: 'failed', values: { processed_at: undefined }, notes: ['shows failed'] },
    ],
    [
      'nor of a capture, and no captured money of a flag beside a failure',
      [at('payment.captured', EARLIER, { status: 'failed', captured: true })],
      { status: 'failed', values: { captured_at: undefined, captured: false }, notes: ['shows failed'] },
    ],
    [
      'nor of an authorisation',
      [at('payment.authorized', EARLIER, { status: 'failed' })],
      { status: 'failed', values: { authorized_at: undefined }, notes: ['shows failed'] },
    ],
    [
      'nor of the end of a dispute',
      [at('payment.dispute.won', EARLIER, { status: 'under_review', phase: 'chargeback' })],
      { status: 'under_review', values: { closed_at: undefined }, notes: ['shows under_review'] },
    ],
    [
      'money is captured where the snapshot shows it, by its status or, where it has none, by its flag',
      [at('payment.authorized', EARLIER, { captured: '1' })],
      { status: 'captured', values: { captured: true }, facts: ['payment.captured'] },
    ],
    [
      'a payment that is refunded is so in full, whatever figures stand beside it',
      [at('payment.captured', EARLIER, { status: 'refunded', amount: 500, amount_refunded: 0, refund_status: null })],
      { status: 'refunded', values: { amount_refunded_minor: 500, refund_status: 'full' } },
    ],
    [
      'a part went back where an amount says so',
      [at('payment.captured', EARLIER, { status: 'captured', amount: 500, amount_refunded: 200, refund_status: null })],
      { status: 'captured', values: { amount_refunded_minor: 200, refund_status: 'partial' } },
    ],
    [
      'the failure is over with a success that does not speak of it',
      [
        at('payment.failed', EARLIER, { status: 'failed', error_code: 'BAD_REQUEST_ERROR' }),
        at('payment.captured', LATER, { status: 'captured' }),
      ],
      { status: 'captured', values: { error_code: null } },
    ],
    [
      'the instrument of a downtime is one, also where it lies beside an empty one',
      [
        at('payment.downtime.started', EARLIER, { status: 'started', instrument: { bank: 'HDFC' } }),
        at('payment.downtime.updated', LATER, { status: 'updated', instrument: {}, vpa_handle: 'oksbi' }),
      ],
      { status: 'updated', values: { bank: null, vpa_handle: 'oksbi', instrument: { vpa_handle: 'oksbi' } } },
    ],
    [
      'a phase that nobody knows',
      [at('payment.dispute.created', EARLIER, { status: 'open', phase: 'good_faith' })],
      { status: 'open', values: { phase: 'good_faith' }, notes: ['phase "good_faith" is not known'] },
    ],
  ];
  test.each(cases)('%s', (_name, snapshots, expected) => {
    check(snapshots, expected);
  });
});

describe('an end after another end', () => {
  test('a refund that was processed and fails later', () => {
    const events = [
      at('refund.processed', EARLIER, { status: 'processed' }),
      at('refund.failed', LATER, { status: 'failed' }),
    ];
    check(events, {
      status: 'failed',
      facts: ['refund.processed', 'refund.failed', 'refund.contradicted'],
      notes: ['both processed and failed were told: the later counts, failed'],
    });
    check(events.toReversed(), {
      status: 'failed',
      facts: ['refund.failed', 'refund.contradicted'],
      notes: ['both failed and processed were told: the later counts, failed'],
    });
  });

  test('a refund that failed and is processed later', () => {
    check(
      [at('refund.failed', EARLIER, { status: 'failed' }), at('refund.processed', LATER, { status: 'processed' })],
      {
        status: 'processed',
        facts: ['refund.failed', 'refund.processed', 'refund.contradicted'],
        notes: ['the later counts, processed'],
      },
    );
  });

  test('a processed refund whose newest snapshot shows a status that nobody knows is doubted, once', () => {
    const reversed = at('refund.processed', LATER, { status: 'reversed' });
    check(
      [at('refund.processed', EARLIER, { status: 'processed' }), reversed, { ...reversed, eventId: eventId('again') }],
      {
        status: 'processed',
        values: { provider_status: 'reversed' },
        facts: ['refund.processed', 'refund.contradicted'],
        notes: ['"reversed" is not known', 'the newest snapshot shows another', '"reversed" is not known'],
      },
    );
  });

  test('a downtime that is called off', () => {
    check(
      [
        at('payment.downtime.started', EARLIER, { status: 'started', updated_at: EARLIER }),
        at('payment.downtime.updated', LATER, { status: 'cancelled', updated_at: LATER }),
      ],
      { status: 'cancelled', facts: ['downtime.started', 'downtime.cancelled'] },
    );
  });
});

describe('what cannot be read is unknown, and named', () => {
  test.each([
    ['a number in a text', '50000', 50_000, []],
    ['decimals', '500.00', undefined, ['amount_minor cannot be read']],
    ['a fraction', 299.5, undefined, ['amount_minor cannot be read']],
    ['beyond 2^53', 2 ** 53, undefined, ['amount_minor cannot be read']],
    ['23 digits', '12345678901234567890123', undefined, ['amount_minor cannot be read']],
    ['nothing', null, undefined, []],
  ])('an amount: %s', (_name, amount, value, notes) => {
    check([at('payment.captured', EARLIER, { status: 'captured', amount })], {
      status: 'captured',
      values: { amount_minor: value },
      notes,
    });
  });

  test('a date out of range, a NUL, an object where a text belongs', () => {
    check(
      [
        at('payment.captured', EARLIER, {
          status: 'captured',
          created_at: 99_999_999_999_999,
          description: 'a\u0000b',
          bank: { code: 'HDFC' },
          fee: 2,
        }),
      ],
      {
        status: 'captured',
        values: { created_at: undefined, description: undefined, bank: undefined, fee_minor: 2 },
        notes: ['description cannot be read', 'bank cannot be read', 'created_at cannot be read'],
      },
    );
  });

  test('a time a year ahead: later real events win', () => {
    const ahead = EARLIER + A_YEAR;
    check(
      [
        at('payment.dispute.under_review', ahead, { status: 'under_review', phase: 'chargeback', created_at: ahead }),
        at('payment.dispute.action_required', LATER, { status: 'open', phase: 'chargeback', respond_by: ahead }),
      ],
      {
        status: 'action_required',
        values: {
          last_event_at: fromEpochSeconds(LATER),
          created_at: undefined,
          respond_by: fromEpochSeconds(ahead),
        },
        notes: ['time lies after its reception', 'created_at cannot be read'],
      },
    );
  });
});

test('fee and tax of an international payment are in the base currency', () => {
  const abroad = {
    status: 'captured',
    amount: 100,
    currency: 'USD',
    base_amount: 7_129,
    fee: 207,
    international: true,
  };
  const home = { status: 'captured', amount: 100, currency: 'INR', base_amount: 100, fee: 2 };
  const valuesOf = (subject: JsonRecord) =>
    arrive(aggregateOf('payments'), [[at('payment.captured', EARLIER, subject)]]).state?.values;
  expect(valuesOf({ ...abroad, base_currency: 'INR' })).toMatchObject({
    base_amount_minor: 7_129,
    base_currency: 'INR',
  });
  expect(valuesOf(abroad)).not.toHaveProperty('base_currency');
  expect(valuesOf(home)).toMatchObject({ base_amount_minor: 100, base_currency: 'INR' });
});

test('parts of an instrument that no column has are named; those beside an empty one are read', () => {
  const valuesOf = (subject: JsonRecord) =>
    arrive(aggregateOf('downtimes'), [[at('payment.downtime.started', EARLIER, subject)]]).state?.values;
  expect(valuesOf({ instrument: { wallet: 'paytm', bank: 'HDFC' } })).toMatchObject({
    bank: 'HDFC',
    other_instrument: 'wallet paytm',
  });
  expect(valuesOf({ instrument: {}, vpa_handle: 'oksbi' })).toMatchObject({
    vpa_handle: 'oksbi',
    other_instrument: null,
  });
});

/** The cases beside the repository, entity by entity; skipped by itself where they are not there. */
describe('published cases', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, Expected>>])[] = [
    [
      'r09',
      {
        pay_CaseAmount0001: { status: 'captured', values: { amount_minor: 50_000 } },
        pay_CaseAmount0003: {
          status: 'captured',
          values: { amount_minor: undefined },
          notes: ['amount_minor cannot be read'],
        },
        pay_CaseAmount0005: {
          status: 'captured',
          values: { amount_minor: undefined },
          notes: ['amount_minor cannot be read'],
        },
      },
    ],
    ['r11', { down_CaseCancel0001: { status: 'cancelled' } }],
    [
      'r13',
      {
        rfnd_CaseDisagr001: { status: 'processed', notes: ['shows processed'] },
        disp_CaseDisagr001: { status: 'won', notes: ['shows won'] },
        pay_CaseDisagr0001: { status: 'captured', notes: ['shows captured'] },
        disp_CaseDisagr002: { status: 'lost', notes: ['shows lost'] },
      },
    ],
    [
      'r14',
      {
        rfnd_CaseFail00001: {
          status: 'failed',
          facts: ['refund.processed', 'refund.failed', 'refund.contradicted'],
          notes: ['both processed and failed'],
        },
      },
    ],
    [
      'r21',
      {
        rfnd_CaseFaq000001: {
          status: 'failed',
          facts: ['refund.failed', 'refund.contradicted'],
          notes: ['shows failed'],
        },
        rfnd_CaseFaq000002: {
          status: 'pending',
          values: { provider_status: 'reversed' },
          facts: [],
          notes: ['"reversed" is not known'],
        },
      },
    ],
    [
      'r23',
      {
        disp_CaseFuture0001: {
          status: 'action_required',
          values: { respond_by: 1_796_022_413_000 },
          notes: ['time lies after its reception'],
        },
      },
    ],
    [
      'r25',
      {
        fav_CaseCompos0001: {
          status: 'completed',
          values: {
            registered_name: 'A B',
            name_match_score: 96,
            status_reason: 'validation_completed',
            contact_id: 'cont_CaseCompos01',
            account_status: 'valid',
          },
        },
        fav_CaseCompos0002: {
          status: 'failed',
          values: { details: 'Beneficiary bank is down', status_reason: 'beneficiary_bank_down' },
        },
      },
    ],
    [
      'r27',
      {
        down_CaseSever0001: { status: 'started', values: { severity: 'high', method: 'card' } },
        down_CaseSever0002: { status: 'started', values: { vpa_handle: 'oksbi' } },
      },
    ],
  ];
  test.each(cases)('%s', (name, entities) => {
    const snapshots = deliveriesOfCase(name).map(({ eventId: id, body }) => snapshotOf(body, id, RECEIVED_AT));
    for (const [key, expected] of Object.entries(entities)) {
      const own = snapshots.filter((snapshot) => snapshot.key === key);
      if (snapshots.length > 0) check(own, expected);
    }
  });
});
