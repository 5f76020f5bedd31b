import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { accountAggregate } from './index.ts';

const subject = {
  name: fc.constantFrom('Test account', 'Another', ''),
  email: fc.constantFrom('a@example.com', 'b@example.com'),
  activated: fc.constantFrom(true, false, 1, '0'),
  activated_at: fc.constantFrom(0, 1_699_999_990, '1699999991'),
  live: fc.boolean(),
  hold_funds: fc.boolean(),
  suspended_at: fc.constantFrom(0, 1_700_000_030),
  merchant_detail: fc.constantFrom(
    { activation_status: 'instantly_activated', clarification_mode: null },
    { activation_status: 'x', clarification_mode: 'email' },
    [],
  ),
  notes: fc.constantFrom([], {}, { a: 1 }),
  created_at: fc.constantFrom(0, 1_699_999_000),
  updated_at: fc.constantFrom(0, 1_700_000_000, '1700000001', 1_700_000_002),
};

describe('accounts', () => {
  obeysTheLaws({ aggregate: accountAggregate, subject: () => subject, finalFact: ({ status }) => `account.${status}` });
});
