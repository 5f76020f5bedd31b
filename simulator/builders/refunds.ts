import type { Random } from '../random.ts';
import type { Json } from '../wire.ts';
import type { Payment } from './payments.ts';

/** The refund entity: razorpay.com/docs/api/refunds/entity. Amounts in paise, times in epoch seconds. */
export interface Refund extends Json {
  readonly id: string;
  readonly amount: number;
  readonly payment_id: string;
}
export type Speed = 'normal' | 'optimum';

export const newRefund = (
  random: Random,
  needs: { readonly at: number; readonly payment: Payment; readonly amount?: number; readonly speed?: Speed },
): Refund => {
  const speed = needs.speed ?? 'normal';
  return {
    id: random.id('rfnd_'),
    entity: 'refund',
    amount: needs.amount ?? needs.payment.amount,
    currency: 'INR',
    payment_id: needs.payment.id,
    notes: random.chance(0.5) ? [] : { reason: 'Order cancelled by the customer' },
    receipt: null,
    acquirer_data: { arn: null },
    created_at: needs.at,
    batch_id: null,
    status: 'pending',
    speed_processed: speed === 'optimum' ? 'instant' : 'normal',
    speed_requested: speed,
  };
};

/** The instant way failed; the refund goes on as a normal one. */
export const speedChanged = (refund: Refund): Refund => ({ ...refund, speed_processed: 'normal' });
export const refundProcessed = (refund: Refund, random: Random): Refund => ({
  ...refund,
  status: 'processed',
  acquirer_data: { arn: random.digits(23) },
});
export const refundFailed = (refund: Refund): Refund => ({ ...refund, status: 'failed' });
