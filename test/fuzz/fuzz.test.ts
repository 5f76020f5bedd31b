import { fuzz } from './fuzz.ts';

jest.setTimeout(60_000);

/**
 * The short form: what has failed once, and a few seconds of chance
 * that is the same every time. `npm run fuzz` goes on.
 */
test('no input makes the port fall, lose a signed body or publish what nobody signed, and no rule throws', async () => {
  const { cases, failures } = await fuzz({ seed: 4711, seconds: 8 });
  expect(failures).toEqual([]);
  expect(cases).toBeGreaterThan(100);
});
