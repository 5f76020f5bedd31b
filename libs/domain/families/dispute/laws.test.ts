import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { disputeAggregate } from './index.ts';
import { phases } from './fields.ts';

const evidence = fc.constantFrom(
  {},
  [],
  { amount: 100, summary: null, submitted_at: null },
  { summary: 'goods delivered', submitted_at: 1_700_000_010 },
);

const subject = {
  payment_id: fc.constantFrom('pay_1Aa00000000001', 'pay_1Aa00000000002'),
  amount: fc.constantFrom(100, '100', 90),
  currency: fc.constantFrom('INR'),
  amount_deducted: fc.constantFrom(0, 50, 100),
  reason_code: fc.constantFrom('goods_not_received', 'duplicate'),
  respond_by: fc.constantFrom(0, 1_700_400_000, 1_700_500_000),
  phase: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...phases) },
    { weight: 1, arbitrary: fc.constantFrom('', 'good_faith', 3) },
  ),
  evidence,
  created_at: fc.constantFrom(0, 1_699_999_000),
};

const beside = {
  payment: fc.constantFrom({ entity: { order_id: 'order_1Aa00000000001' } }, { entity: { order_id: 0 } }, []),
  dispute: fc.record({ evidence }),
};

describe('disputes', () => {
  obeysTheLaws({
    aggregate: disputeAggregate,
    subject: () => subject,
    beside,
    finalFact: ({ status }) => (status === 'open' ? 'dispute.opened' : `dispute.${status}`),
  });
});
