import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { orderAggregate } from './index.ts';
import { noticeOf } from './fields.ts';

const order = {
  amount: fc.constantFrom(100, '100'),
  amount_paid: fc.constantFrom(0, 40, 100),
  amount_due: fc.constantFrom(0, 60, 100),
  attempts: fc.constantFrom(0, 1, 2),
  receipt: fc.constantFrom('rcptid #1', ''),
  offer_id: fc.constantFrom('offer_1Aa00000000001', 7),
  notes: fc.constantFrom([], {}, { key: 'value' }),
  created_at: fc.constantFrom(0, 1_699_999_000),
};

const notice = {
  id: fc.constantFrom('notification_1', 'notification_2'),
  order_id: fc.constantFrom('order_1Aa00000000001'),
  token_id: fc.constantFrom('token_1', 'token_2'),
  delivered_at: fc.constantFrom(0, 1_700_000_100),
  payment_after: fc.constantFrom(1_700_000_200, '1700000300'),
  status: fc.constantFrom('delivered', 'failed', 'paid'),
  amount: fc.constantFrom(999),
};

const beside = {
  payment: fc.constantFrom({ entity: { id: 'pay_1Aa00000000001' } }, { entity: [] }, []),
  created_at: fc.constantFrom(1_700_000_000, 1_700_000_050, 0, 'soon'),
};

describe('orders', () => {
  obeysTheLaws({
    aggregate: orderAggregate,
    subject: (event) => (noticeOf(event) === undefined ? order : notice),
    beside,
    said: (event): Record<string, string> => {
      const outcome = noticeOf(event);
      return outcome === undefined ? {} : { notification_status: outcome };
    },
    finalFact: ({ status }) => (status === 'attempted' ? null : `order.${status}`),
  });
});
