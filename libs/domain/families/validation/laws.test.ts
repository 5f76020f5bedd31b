import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { validationAggregate } from './index.ts';

const subject = {
  fund_account: fc.constantFrom(
    {
      id: 'fa_1Aa00000000001',
      account_type: 'bank_account',
      bank_account: { ifsc: 'HDFC0000053', name: 'A' },
      active: true,
    },
    { id: 'fa_1Aa00000000001', account_type: 'vpa', vpa: { address: 'a@exampleupi' }, active: 0 },
    { bank_account: null, vpa: [] },
    [],
  ),
  results: fc.constantFrom(
    { account_status: 'active', registered_name: 'A', details: 'The account is valid.', name_match_score: '100' },
    { account_status: 'invalid', registered_name: null, name_match_score: 0 },
    { account_status: '', registered_name: '', details: 'null', name_match_score: null },
  ),
  amount: fc.constantFrom(100, '127', 0),
  currency: fc.constantFrom('INR', ''),
  utr: fc.constantFrom('utr1', 'utr2'),
  notes: fc.constantFrom([], {}, { a: null }),
  created_at: fc.constantFrom(0, 1_699_999_990),
};

describe('fund account validations', () => {
  obeysTheLaws({
    aggregate: validationAggregate,
    subject: () => subject,
    finalFact: ({ status }) => (status === 'created' ? null : `fund_account.validation.${status}`),
  });
});
