import { fuzz } from './fuzz.ts';

jest.setTimeout(60_000);

/** The short form: what has failed once, and inputs by chance that are the same every time. `npm run fuzz` goes on. */
const CASES = 400;

test('no input makes the port fall, lose a signed body or publish what nobody signed, and no rule throws', async () => {
  const { cases, failures } = await fuzz({ seed: 4711, seconds: 50, casesMax: CASES });
  expect(failures).toEqual([]);
  expect(cases).toBeGreaterThanOrEqual(CASES);
});
