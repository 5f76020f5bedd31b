import { clearable, column, commonFields, folded, highest, latest, oneOf, readJson, readText, recordAt } from '#rules';
import type { Field, JsonRecord, Reading } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/api/payments/downtime/entity; `cancelled` is in
 * Razorpay's own types of it). A downtime that is over stays so: the next one of the same
 * bank has an id of its own. Both ends mean that it is not in force; the later one is shown.
 */
export const downtimeStatuses = ['scheduled', 'started', 'updated', 'resolved', 'cancelled'] as const;
export type DowntimeStatus = (typeof downtimeStatuses)[number];
export const downtimeEnds = ['resolved', 'cancelled'] as const satisfies readonly DowntimeStatus[];

/** Parts of an instrument that have a column (razorpay.com/docs/api/payments/downtime/entity). */
const INSTRUMENT_KEYS = ['bank', 'issuer', 'network', 'type', 'card_type', 'vpa_handle', 'psp', 'flow'] as const;
type InstrumentKey = (typeof INSTRUMENT_KEYS)[number];
/** `type` beside the instrument would say something of the downtime itself. */
const KEYS_BESIDE = INSTRUMENT_KEYS.filter((key) => key !== 'type');

/** The instrument; where it is empty, those of its parts that lie beside it. undefined when there is nothing at all. */
const instrumentOf = (subject: JsonRecord): JsonRecord | undefined => {
  const instrument = recordAt(subject, 'instrument');
  if (instrument !== undefined && Object.keys(instrument).length > 0) return instrument;
  const beside = KEYS_BESIDE.filter((key) => Object.hasOwn(subject, key)).map((key) => [key, subject[key]] as const);
  return beside.length === 0 ? undefined : Object.fromEntries(beside);
};

/** Most parts that are named, and the longest value in UTF-16 units; the column `instrument` has all. */
const [PARTS_MAX, PART_LENGTH_MAX] = [8, 80] as const;

/**
 * The parts that no column has, as `key value, key value`, so that a
 * downtime of something new is not one of everything.
 */
const otherInstrument: Reading = {
  type: 'text',
  rule: 'clearable',
  read: ({ subject }) => {
    const instrument = instrumentOf(subject);
    if (instrument === undefined) return undefined;
    const parts = Object.entries(instrument)
      .filter(([key]) => !INSTRUMENT_KEYS.some((known) => known === key))
      .map(([key, value]) => `${key} ${readText(value) ?? JSON.stringify(value)}`.slice(0, PART_LENGTH_MAX));
    return readText(parts.toSorted().slice(0, PARTS_MAX).join(', ')) ?? null;
  },
};

/**
 * A text below `instrument`, by the first of `keys` that is there. The instrument is one whole: a snapshot that has one
 * without this key says "not this", so that a downtime that moves from a VPA handle to its app keeps no handle.
 */
const instrumentText = (...keys: readonly InstrumentKey[]): Reading => ({
  type: 'text',
  rule: 'clearable',
  read: ({ subject }) => {
    const instrument = instrumentOf(subject);
    if (instrument === undefined) return undefined;
    return (
      keys
        .map((key) => (Object.hasOwn(instrument, key) ? readText(instrument[key]) : undefined))
        .find((text) => text !== undefined) ?? null
    );
  },
});

/** As documented (razorpay.com/docs/api/payments/downtime/entity). */
export const severities = ['low', 'medium', 'high'] as const;
const methods = ['card', 'netbanking', 'upi', 'wallet'] as const;

/** Columns of `downtime_events`. */
export const downtimeFields = {
  ...commonFields,
  method: column('Method of payment that is affected.', folded(methods, latest.text('method'))),
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
  other_instrument: column(
    'What else the instrument names, as key and value: it is not a downtime of everything.',
    otherInstrument,
  ),
  instrument: column('The whole instrument, as Razorpay describes it.', {
    ...latest.json('instrument'),
    read: ({ subject }) => readJson(instrumentOf(subject)),
  }),
  created_at: column('When Razorpay recorded the downtime.', latest.past('created_at')),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: column("Razorpay's own time of the last change.", highest.past('updated_at')),
} as const satisfies Record<string, Field>;
