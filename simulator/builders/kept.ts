import { eventSpec } from '#catalogue';
import type { EventName } from '#catalogue';
import type { Random } from '../random.ts';
import type { Json, Parts } from '../wire.ts';

/** How Razorpay's ids begin where that is not the entity's name (docs/reference/razorpay.md "Entities"). */
const PREFIXES: Readonly<Record<string, string>> = {
  payment: 'pay_',
  settlement: 'setl_',
  subscription: 'sub_',
  transfer: 'trf_',
  virtual_account: 'va_',
  payout: 'pout_',
  payout_link: 'poutlk_',
  'payout.downtime': 'poutdown_',
  transaction: 'txn_',
  qr_code: 'qr_',
  merchant_product: 'acc_prd_',
  service_provider_token: 'spt_',
};

/** What every kept entity has, whichever it is; the last word of the event's name is its status. */
export const keptEntity = (event: EventName, random: Random, at: number, more: Json = {}): Json => {
  const { subject } = eventSpec(event);
  return {
    id: random.id(PREFIXES[subject] ?? `${subject.replaceAll('.', '_')}_`),
    entity: subject,
    amount: random.whole(100, 5_000) * 100,
    currency: 'INR',
    status: event.slice(event.lastIndexOf('.') + 1),
    notes: [],
    created_at: at,
    ...more,
  };
};

export const keptParts = (event: EventName, random: Random, at: number): Parts => ({
  [eventSpec(event).subject]: keptEntity(event, random, at),
});
