import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { paymentLinkAggregate } from './index.ts';

const entity = (value: object): object => ({ entity: value });

const subject = {
  amount: fc.constantFrom(1000, '1000'),
  amount_paid: fc.constantFrom(0, 100, '400', 1000, -0),
  currency: fc.constantFrom('INR', 'USD'),
  accept_partial: fc.constantFrom(true, false, 1),
  order_id: fc.constantFrom('order_1Aa00000000001', 'order_1Aa00000000002', ''),
  reference_id: fc.constantFrom('', '23', 23),
  customer: fc.constantFrom({ name: 'A', email: 'a@example.com' }, { contact: 919000090000 }, []),
  notes: fc.constantFrom([], {}, { Test: 'True' }),
  expire_by: fc.constantFrom(0, 1_700_100_000, 1_700_200_000),
  expired_at: fc.constantFrom(0, 1_700_100_001),
  cancelled_at: fc.constantFrom(0, 1_700_000_050),
  created_at: fc.constantFrom(0, 1_699_999_000),
  updated_at: fc.constantFrom(0, 1_700_000_000, '1700000001', 1_700_000_002),
};
const beside = {
  payment: fc.constantFrom(
    entity({ id: 'pay_1Aa00000000001', order_id: 'order_1Aa00000000001' }),
    entity({ id: 'pay_1Aa00000000002' }),
    { id: 'pay_1Aa00000000003' },
    [],
  ),
  order: fc.constantFrom(
    entity({ id: '1Aa00000000001' }),
    entity({ id: 'order_1Aa00000000003', entity: 'order' }),
    entity({}),
    { entity: null },
  ),
};

describe('payment links', () => {
  obeysTheLaws({
    aggregate: paymentLinkAggregate,
    subject: () => subject,
    beside,
    finalFact: ({ status }) => (status === 'created' ? null : `payment_link.${status}`),
  });
});
