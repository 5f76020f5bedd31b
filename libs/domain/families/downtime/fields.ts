import { clearable, commonFields, highest, latest, readText, recordAt } from '#rules';
import type { Field } from '#rules';

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
const instrumentText = (...keys: readonly string[]): Field => ({
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

/** Columns of `downtime_events`. */
export const downtimeFields = {
  ...commonFields,
  method: latest.text('method'),
  severity: latest.text('severity'),
  scheduled: latest.flag('scheduled'),
  begin_at: latest.time('begin'),
  // An update may take an expected end back: null is then "not known any more" (docs/api/payments/downtime/entity).
  end_at: clearable.time('end'),
  bank: instrumentText('bank'),
  issuer: instrumentText('issuer'),
  network: instrumentText('network'),
  // `type` in webhook samples, `card_type` on the API pages (scenarios.md §5).
  card_type: instrumentText('type', 'card_type'),
  vpa_handle: instrumentText('vpa_handle'),
  psp: instrumentText('psp'),
  flow: instrumentText('flow'),
  instrument: latest.json('instrument'),
  created_at: latest.time('created_at'),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: highest.time('updated_at'),
} as const satisfies Record<string, Field>;
