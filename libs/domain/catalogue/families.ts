/** How urgent the work of a family is where several wait, 1 first. */
export type Priority = 1 | 2 | 3 | 4;

/** Family = topic = aggregate = table. */
export interface FamilySpec {
  readonly topic: string;
  /** State table; its primary key column is `keyColumn`. */
  readonly table: string;
  readonly keyColumn: string;
  /** The service that owns topic and table. */
  readonly service: ServiceName;
  readonly priority: Priority;
  /** What one row of the table is, in a word a person uses. */
  readonly noun: string;
  /**
   * How Razorpay's ids of this kind begin; '' for the bare ids of
   * accounts. Used for docs and the simulator, never to refuse.
   */
  readonly idPrefix: string;
}

export const serviceNames = ['payments', 'disputes', 'refunds', 'accounts', 'links', 'invoices', 'kept'] as const;
/** The domain services: one consumer group each. */
export type ServiceName = (typeof serviceNames)[number];

export const families = {
  payments: {
    topic: 'rzp.payments.v1',
    table: 'payment_transactions',
    keyColumn: 'payment_id',
    service: 'payments',
    priority: 4,
    noun: 'payment',
    idPrefix: 'pay_',
  },
  orders: {
    topic: 'rzp.orders.v1',
    table: 'payment_orders',
    keyColumn: 'order_id',
    service: 'payments',
    priority: 4,
    noun: 'order',
    idPrefix: 'order_',
  },
  downtimes: {
    topic: 'rzp.downtimes.v1',
    table: 'downtime_events',
    keyColumn: 'downtime_id',
    service: 'payments',
    priority: 1,
    noun: 'downtime',
    idPrefix: 'down_',
  },
  disputes: {
    topic: 'rzp.disputes.v1',
    table: 'payment_disputes',
    keyColumn: 'dispute_id',
    service: 'disputes',
    priority: 1,
    noun: 'dispute',
    idPrefix: 'disp_',
  },
  refunds: {
    topic: 'rzp.refunds.v1',
    table: 'payment_refunds',
    keyColumn: 'refund_id',
    service: 'refunds',
    priority: 4,
    noun: 'refund',
    idPrefix: 'rfnd_',
  },
  accounts: {
    topic: 'rzp.accounts.v1',
    table: 'account_events',
    keyColumn: 'account_id',
    service: 'accounts',
    priority: 2,
    noun: 'account',
    idPrefix: '',
  },
  fund_accounts: {
    topic: 'rzp.fund_accounts.v1',
    table: 'fund_account_events',
    keyColumn: 'validation_id',
    service: 'accounts',
    priority: 2,
    noun: 'fund account validation',
    idPrefix: 'fav_',
  },
  payment_links: {
    topic: 'rzp.payment_links.v1',
    table: 'payment_link_events',
    keyColumn: 'payment_link_id',
    service: 'links',
    priority: 3,
    noun: 'payment link',
    idPrefix: 'plink_',
  },
  invoices: {
    topic: 'rzp.invoices.v1',
    table: 'invoice_events',
    keyColumn: 'invoice_id',
    service: 'invoices',
    priority: 3,
    noun: 'invoice',
    idPrefix: 'inv_',
  },
  kept: {
    topic: 'rzp.kept.v1',
    table: 'provider_events',
    keyColumn: 'entity',
    service: 'kept',
    priority: 4,
    noun: 'entity of a kept event',
    idPrefix: '',
  },
} as const satisfies Record<string, FamilySpec>;

export type Family = keyof typeof families;
export const familyNames = Object.keys(families) as readonly Family[];
export const familySpec = (family: Family): FamilySpec => families[family];

/** Where authentic deliveries go that no catalogue row understands. */
export const QUARANTINE_TOPIC = 'rzp.quarantine.v1';
export const QUARANTINE_SERVICE = 'quarantine';
