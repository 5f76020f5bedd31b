import { arrive } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import type { JsonRecord, Snapshot } from '#rules';
import { validationAggregate } from './index.ts';

const NOW = 1_599_473_661;

const validation = (name: 'completed' | 'failed', id: string, entity: JsonRecord, createdAt = NOW): Snapshot =>
  snapshotOf(
    {
      event: `fund_account.validation.${name}`,
      account_id: 'acc_BfVUrG6tDiL7H0',
      created_at: createdAt,
      payload: { 'fund_account.validation': { entity: { id: 'fav_Fa6RwlxjoX0xeO', status: name, ...entity } } },
    },
    id,
  );

const completed = validation('completed', 'event_1', {
  utr: 'utr1',
  results: { account_status: 'invalid', registered_name: 'Gaurav Kumar', details: 'Not valid.', name_match_score: 40 },
});
const failed = validation(
  'failed',
  'event_2',
  {
    amount: 127,
    utr: null,
    results: { account_status: '', registered_name: '', details: 'null', name_match_score: null },
  },
  NOW + 60,
);

describe('a validation', () => {
  test('with both ends shows the later one, and keeps the answer of the other', () => {
    expect(inEveryOrder(validationAggregate, [completed, { ...failed, occurredAt: completed.occurredAt }]).status).toBe(
      'completed',
    );
    expect(inEveryOrder(validationAggregate, [completed, failed])).toMatchObject({
      status: 'failed',
      values: {
        account_status: 'invalid',
        registered_name: 'Gaurav Kumar',
        details: 'Not valid.',
        name_match_score: 40,
        amount_minor: 127,
        utr: 'utr1',
        last_event_id: 'event_2',
      },
    });
  });

  test('that failed has no answer: empty texts and the text "null" are nothing', () => {
    const { state } = arrive(validationAggregate, [[failed]]);
    expect(state?.status).toBe('failed');
    for (const name of ['account_status', 'registered_name', 'details', 'name_match_score', 'utr'])
      expect(state?.values).not.toHaveProperty(name);
  });
});

test('every published body of a validation is applied', () => {
  for (const { file, event, body } of publishedBodies((name) => name.startsWith('fund_account.validation.'))) {
    const { state, rejected } = arrive(validationAggregate, [[snapshotOf(body, 'event_published')]]);
    expect([file, rejected.size, state?.status]).toEqual([file, 0, event.slice('fund_account.validation.'.length)]);
    const isVpa = file.includes('vpa');
    expect(state?.values).toMatchObject({
      account_id: 'acc_BfVUrG6tDiL7H0',
      fund_account_id: 'fa_Fa6Rq1WwNrpMoK',
      contact_id: 'cont_FYSVUV5EeJKkKb',
      account_type: isVpa ? 'vpa' : 'bank_account',
    });
    const { vpa, bank_ifsc, amount_minor } = { ...state?.values };
    expect([vpa, bank_ifsc, amount_minor]).toEqual(
      isVpa ? ['gaurav.kumar@exampleupi', undefined, undefined] : [undefined, 'HDFC0000053', 127],
    );
  }
});
