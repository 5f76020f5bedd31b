import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { paymentAggregate } from './index.ts';

const subject = {
  order_id: fc.constantFrom('order_1Aa00000000001', 'order_1Aa00000000002'),
  amount: fc.constantFrom(100, '100', 50_000),
  captured: fc.constantFrom(true, false, '1', 0),
  late_authorized: fc.boolean(),
  amount_refunded: fc.constantFrom(0, 40, 100),
  refund_status: fc.constantFrom('partial', 'full'),
  fee: fc.constantFrom(2, 3),
  card: fc.constantFrom({ network: 'Visa', last4: '0153' }, { last4: 153 }, []),
  error_code: fc.constantFrom('BAD_REQUEST_ERROR', 'GATEWAY_ERROR'),
  acquirer_data: fc.constantFrom({}, { rrn: '1', auth_code: null }, []),
  notes: fc.constantFrom([], {}, { 'a.b': 1, '': -0 }, 'text'),
  created_at: fc.constantFrom(0, 1_699_999_990, '1699999991'),
};

describe('payments', () => {
  obeysTheLaws({
    aggregate: paymentAggregate,
    subject: () => subject,
    said: (event): Record<string, boolean> =>
      event === 'payment.failed' ? { ever_failed: true } : event === 'payment.captured' ? { captured: true } : {},
    finalFact: ({ status }) => (status === 'created' ? null : `payment.${status}`),
  });
});
