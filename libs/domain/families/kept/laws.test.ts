import fc from 'fast-check';
import { eventSpec } from '#catalogue';
import { obeysTheLaws } from '#kit/laws';
import { keptAggregate } from './index.ts';

const subject = {
  amount: fc.constantFrom(0, 1524, '5000', 2 ** 53, 'x'),
  currency: fc.constantFrom('INR', 'USD', ''),
  payment_id: fc.constantFrom('pay_00000000000001', 'x', ''),
  order_id: fc.constantFrom('order_00000000000001', ''),
  customer_id: fc.constantFrom('cust_00000000000001', ''),
  reference_id: fc.constantFrom('order 7', ''),
  utr: fc.constantFrom('AXISCN1', ''),
  source: fc.constantFrom('pay_00000000000002', 'order_00000000000002', { id: 'pout_1' }),
  created_at: fc.constantFrom(0, 1_699_999_000),
  updated_at: fc.constantFrom(0, 1_700_000_000, '1700000001', 1_731_626_000),
};

describe('kept events', () => {
  obeysTheLaws({
    aggregate: keptAggregate,
    subject: () => subject,
    beside: { payment: fc.constantFrom({ entity: { id: 'pay_00000000000003' } }, { id: 7 }, []) },
    said: (event) => ({ event, kind: eventSpec(event).subject }),
    finalFact: () => 'event.kept',
  });
});
