import { clearable, column, commonFields, highest, latest, oneOf, readText, recordAt } from '#rules';
import type { Field, Reading } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/api/payments/downtime/entity). A downtime that is resolved stays so: the next one of
 * the same bank has an id of its own.
 */
export const downtimeStatuses = ['scheduled', 'started', 'updated', 'resolved'] as const;
export type DowntimeStatus = (typeof downtimeStatuses)[number];

/**
 * A text below `instrument`, by the first of `keys` that is there. The instrument is one whole: a snapshot that has one
 * without this key says "not this", so that a downtime that moves from a VPA handle to its app keeps no handle.
 */
const instrumentText = (...keys: readonly string[]): Reading => ({
  type: 'text',
  rule: 'clearable',
  read: ({ subject }) => {
    const instrument = recordAt(subject, 'instrument');
    if (instrument === undefined || Object.keys(instrument).length === 0) return undefined;
    return (
      keys
        .map((key) => (Object.hasOwn(instrument, key) ? readText(instrument[key]) : undefined))
        .find((text) => text !== undefined) ?? null
    );
  },
});

/** As documented (razorpay.com/docs/api/payments/downtime/entity). */
const severities = ['low', 'medium', 'high'] as const;

/** Columns of `downtime_events`. */
export const downtimeFields = {
  ...commonFields,
  method: column('Method of payment that is affected.', latest.text('method')),
  severity: oneOf(severities, 'How many payments fail.', latest.text('severity')),
  scheduled: column('Whether it was announced beforehand.', latest.flag('scheduled')),
  begin_at: column('When it began, or is to begin.', latest.time('begin')),
  // An update may take an expected end back: null is then "not known any more" (docs/api/payments/downtime/entity).
  end_at: column('When it ended, or is expected to end; unknown while nobody knows.', clearable.time('end')),
  bank: column('Bank that is affected.', instrumentText('bank')),
  issuer: column('Issuer of cards that is affected.', instrumentText('issuer')),
  network: column('Card network that is affected.', instrumentText('network')),
  // `type` in webhook samples, `card_type` on the API pages (docs/reference/razorpay.md "Entities").
  card_type: column('Kind of card that is affected: credit, debit or prepaid.', instrumentText('type', 'card_type')),
  vpa_handle: column('UPI handle that is affected.', instrumentText('vpa_handle')),
  psp: column('UPI app that is affected.', instrumentText('psp')),
  flow: column('UPI flow that is affected: collect or intent.', instrumentText('flow')),
  instrument: column('The whole instrument, as Razorpay describes it.', latest.json('instrument')),
  created_at: column('When Razorpay recorded the downtime.', latest.time('created_at')),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: column("Razorpay's own time of the last change.", highest.time('updated_at')),
} as const satisfies Record<string, Field>;
