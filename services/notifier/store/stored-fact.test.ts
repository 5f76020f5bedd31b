import { instant } from '#rules';
import { holds, readConditions } from '../rules/conditions.ts';
import { subjectOf } from './stored-fact.ts';

const fact = {
  factId: 7,
  kind: 'event.kept',
  occurrence: 'payout.queued:TUoumpUn1znA6u',
  family: 'kept',
  entityKey: 'pout_1',
  factAt: instant(1_700_000_000_000),
  endpoint: 'default',
  eventId: 'evt_1',
  traceparent: null,
};
/** The row has moved on: it shows the newest event. */
const row = { status: 'kept', columns: { event: 'payout.processed', provider_status: 'processed' } };

test('a kept event is told under its own name, also when a newer one of its entity came before it was told', () => {
  const subject = subjectOf(fact, row);
  if (!subject.ok) throw new Error(subject.issues.join('\n'));
  expect(subject.value.columns).toEqual({ event: 'payout.queued', provider_status: 'processed' });
  const asks = (event: string): readonly boolean[] =>
    readConditions({ event }, ['kept']).conditions.map((condition) => holds(condition, subject.value));
  expect(asks('payout.queued')).toEqual([true]);
  expect(asks('payout.processed')).toEqual([false]);
});

test('a rule that asks for a kept event that there is not is refused', () => {
  expect(readConditions({ event: 'settlement.proccessed' }, ['kept']).issues).toHaveLength(1);
});
