import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { invoiceAggregate } from './index.ts';

const subject = {
  amount: fc.constantFrom(479_030, '479030', 0),
  amount_paid: fc.constantFrom(0, 10_000, '20000', 479_030, -0),
  amount_due: fc.constantFrom(479_030, '469030', 0),
  gross_amount: fc.constantFrom(425_000),
  tax_amount: fc.constantFrom(54_030, 0),
  currency: fc.constantFrom('INR', 'MYR'),
  partial_payment: fc.constantFrom(true, false, '1'),
  order_id: fc.constantFrom('order_1Aa00000000001', 'order_1Aa00000000002', ''),
  payment_id: fc.constantFrom('pay_1Aa00000000001', 'pay_1Aa00000000002'),
  receipt: fc.constantFrom('18', 18, ''),
  customer_id: fc.constantFrom('cust_1Aa00000000001'),
  customer_details: fc.constantFrom({ name: 'A', email: 'a@example.com' }, { contact: 9000090000 }, []),
  notes: fc.constantFrom([], {}, { a: 'b' }),
  issued_at: fc.constantFrom(0, 1_699_999_500),
  paid_at: fc.constantFrom(0, 1_700_000_001),
  expired_at: fc.constantFrom(0, 1_700_100_001),
  created_at: fc.constantFrom(0, 1_699_999_000),
};
const beside = {
  payment: fc.constantFrom(
    { entity: { id: 'pay_1Aa00000000001', order_id: 'order_1Aa00000000001' } },
    { entity: { id: 'pay_1Aa00000000002' } },
    { id: 'pay_1Aa00000000003' },
    [],
  ),
  order: fc.constantFrom({ entity: { id: 'order_1Aa00000000003' } }, { entity: {} }, { entity: null }),
};

describe('invoices', () => {
  obeysTheLaws({
    aggregate: invoiceAggregate,
    subject: () => subject,
    beside,
    finalFact: ({ status }) => (status === 'draft' || status === 'issued' ? null : `invoice.${status}`),
  });
});
