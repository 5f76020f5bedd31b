import fc from 'fast-check';
import { obeysTheLaws } from '#kit/laws';
import { downtimeAggregate } from './index.ts';

const subject = {
  entity: fc.constantFrom('payment.downtime'),
  method: fc.constantFrom('card', 'netbanking', 'upi'),
  begin: fc.constantFrom(1_699_990_000, 1_699_990_100),
  end: fc.constantFrom(0, 1_700_001_000, '1700002000'),
  scheduled: fc.constantFrom(true, false, '1'),
  severity: fc.constantFrom('high', 'medium', 'low'),
  instrument: fc.constantFrom(
    { bank: 'COSB' },
    { issuer: 'SBIN', type: 'credit' },
    { network: 'MC', card_type: 'debit' },
    { vpa_handle: 'oksbi', flow: 'collect' },
    { psp: 'bhim' },
    {},
    [],
  ),
  created_at: fc.constantFrom(1_699_990_000, 0),
  updated_at: fc.constantFrom(1_699_990_000, 1_700_000_000, '1700000500', 0),
};

describe('downtimes', () => {
  obeysTheLaws({
    aggregate: downtimeAggregate,
    subject: () => subject,
    finalFact: ({ status }) => (status === 'scheduled' ? null : `downtime.${status}`),
  });
});
