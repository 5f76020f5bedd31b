import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { showsUnknown } from '#rules';
import { refundAggregate } from './index.ts';

const subject = {
  payment_id: fc.constantFrom('pay_1Aa00000000001', 'pay_1Aa00000000002'),
  amount: fc.constantFrom(100, '100'),
  currency: fc.constantFrom('INR'),
  speed_requested: fc.constantFrom('normal', 'optimum'),
  speed_processed: fc.constantFrom('normal', 'instant'),
  receipt: fc.constantFrom('receipt 1', ''),
  batch_id: fc.constantFrom('batch_1', 1),
  acquirer_data: fc.constantFrom({}, [], { arn: null }, { arn: '74332745200043200000000' }, { rrn: 12345, utr: 'utr' }),
  notes: fc.constantFrom([], {}, { comment: 'why' }),
  created_at: fc.constantFrom(0, 1_699_999_000),
};

const beside = {
  payment: fc.constantFrom(
    { entity: { id: 'pay_1Aa00000000001', captured: true, order_id: 'order_1Aa00000000001' } },
    { entity: { captured: '0', order_id: null } },
    { entity: null },
    [],
  ),
};

describe('refunds', () => {
  obeysTheLaws({
    aggregate: refundAggregate,
    subject: () => subject,
    beside,
    said: (event): Record<string, boolean> => (event === 'refund.speed_changed' ? { speed_changed: true } : {}),
    finalFact: (state) =>
      state.status === 'pending' && showsUnknown(refundAggregate.statuses, state) ? null : `refund.${state.status}`,
  });
});
