import { familyNames } from '#catalogue';
import { phases } from './dispute/fields.ts';
import { columnSpec, rowSpec } from './row-specs.ts';

test('a closed list of values is that of the rules', () => {
  expect(columnSpec('disputes', 'phase')?.values).toEqual(phases);
  expect(columnSpec('downtimes', 'severity')?.values).toEqual(['low', 'medium', 'high']);
});

test('status is a column; what no table has is not, also not what every object has', () => {
  expect(columnSpec('refunds', 'status')?.values).toEqual(['pending', 'processed', 'failed']);
  expect(columnSpec('refunds', 'respond_by')).toBeUndefined();
  expect(columnSpec('refunds', 'constructor')).toBeUndefined();
});

/** Names of columns that mostly hold something about a person, or text that somebody wrote. */
const ABOUT_PERSONS =
  /(^|_)(name|email|contact|mobile|phone|address|vpa|last4|notes|description|evidence|acquirer_data)$/;
/** Those that do not: names of banks and businesses, and Razorpay's own sentences. */
const NOT_ABOUT_PERSONS = new Set(['bank_name', 'business_name', 'error_description', 'reason_description']);

test.each(familyNames)(
  '%s: a column that sounds like a person is personal, or named here as one that is not',
  (family) => {
    const open = Object.entries(rowSpec(family).columns).filter(
      ([name, { personal }]) => ABOUT_PERSONS.test(name) && !personal,
    );
    expect(open.map(([name]) => name).filter((name) => !NOT_ABOUT_PERSONS.has(name))).toEqual([]);
  },
);

test.each(familyNames)('%s: a column of any JSON is personal, but for the instrument of a downtime', (family) => {
  const open = Object.entries(rowSpec(family).columns).filter(
    ([, { type, personal }]) => type === 'jsonb' && !personal,
  );
  expect(open.map(([name]) => name)).toEqual(family === 'downtimes' ? ['instrument'] : []);
});
