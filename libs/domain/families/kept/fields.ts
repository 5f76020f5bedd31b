import { entityBeside, eventsOf, eventSpec, isEventName } from '#catalogue';
import {
  column,
  commonFields,
  latest,
  personal,
  readJson,
  readPast,
  readText,
  searched,
  UNKNOWN,
  valueAt,
} from '#rules';
import type { Field, JsonRecord, Reading, Snapshot } from '#rules';

/** There is one: what is said of the entity itself is in `provider_status`. */
export const keptStatuses = ['kept'] as const;
export type KeptStatus = (typeof keptStatuses)[number];

/**
 * The snapshot's own time of change, or else that of the event, or else when the entity was made; epoch milliseconds.
 */
export const newness = (snapshot: Snapshot): readonly number[] => [
  readPast(valueAt(snapshot.subject, ['updated_at']), snapshot) ??
    snapshot.occurredAt ??
    readPast(valueAt(snapshot.subject, ['created_at']), snapshot) ??
    UNKNOWN,
];

type Link = 'payment' | 'order' | 'customer' | 'reference';

/** How ids of a kind begin: a transfer's `source` is a payment or an order. */
const BEGINS: Readonly<Partial<Record<Link, string>>> = { payment: 'pay_', order: 'order_' };

const specOf = ({ event }: Snapshot) => (isEventName(event) ? eventSpec(event) : undefined);

/** The value at `entity.field.…` below the payload: of the subject, or of what came beside it. */
const valueAtLink = (snapshot: Snapshot, path: string): unknown => {
  const [entity = '', ...fields] = path.split('.');
  const holder: JsonRecord | undefined =
    entity === specOf(snapshot)?.subject ? snapshot.subject : entityBeside(snapshot, entity);
  return holder === undefined ? undefined : valueAt(holder, fields);
};

/** What the catalogue's row names, or else the subject's own field `own`. */
const linked = (link: Link, own: string): Reading => ({
  type: 'text',
  rule: 'latest',
  read: (snapshot) => {
    const path = specOf(snapshot)?.links?.[link];
    const found = [path === undefined ? undefined : valueAtLink(snapshot, path), valueAt(snapshot.subject, [own])];
    return found.map(readText).find((text) => text !== undefined && text.startsWith(BEGINS[link] ?? ''));
  },
});

const said = (read: (snapshot: Snapshot) => string | undefined): Reading => ({ type: 'text', rule: 'latest', read });

/** Columns of `provider_events`. They mean the same for every kind of entity; all else of it is in `snapshot`. */
export const keptFields = {
  ...commonFields,
  kind: column(
    'What the entity is, as Razorpay calls it.',
    said((snapshot) => specOf(snapshot)?.subject),
  ),
  event: {
    ...column(
      'Name of its newest event; in rules and messages, of the event that is told.',
      said(({ event }) => event),
    ),
    // So that a rule that asks for an event that there is not is refused at start.
    values: eventsOf('kept'),
  },
  amount_minor: column('Its amount.', latest.integer('amount')),
  currency: column('Currency of the amount.', latest.text('currency')),
  payment_id: column('Payment that it has to do with.', linked('payment', 'payment_id')),
  order_id: column('Order that it has to do with.', linked('order', 'order_id')),
  customer_id: column('Customer that it has to do with.', linked('customer', 'customer_id')),
  reference: searched(
    'text',
    column(
      'What it is called at a bank or in other books: a UTR, a reference id, a plan.',
      linked('reference', 'reference_id'),
    ),
  ),
  created_at: column('When it was made.', latest.past('created_at')),
  changed_at: column("Razorpay's own time of its last change.", latest.past('updated_at')),
  snapshot: personal('The whole entity, as its newest event shows it.', {
    type: 'jsonb',
    rule: 'latest',
    read: ({ subject }) => readJson(subject),
  }),
} as const satisfies Record<string, Field>;
