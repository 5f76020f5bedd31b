import fc from 'fast-check';
import { onlyListed, UNLISTED } from './fields.ts';

const CANARY = 'canary-of-a-body';

test('a field that is not in the list shows its name alone', () => {
  expect(onlyListed({ body: CANARY, headers: { a: CANARY }, eventId: 'evt_1' })).toEqual({
    body: UNLISTED,
    headers: UNLISTED,
    eventId: 'evt_1',
  });
});

test('parts that nobody has thought of are not shown, whatever they stand below', () => {
  const odd = fc.oneof(
    fc.record({ inner: fc.constant(CANARY) }),
    fc.constant(Buffer.from(CANARY)),
    fc.array(fc.record({ inner: fc.constant(CANARY) }), { minLength: 1 }),
    fc.constant(new Map([[CANARY, CANARY]])),
    fc.constant([[CANARY]]),
  );
  fc.assert(
    fc.property(fc.constantFrom('eventId', 'reason', 'topics', 'count', 'key'), odd, (name, value) => {
      expect(JSON.stringify(onlyListed({ [name]: value }))).not.toContain(CANARY);
    }),
  );
});

test('a text has a bound, and what is undefined is left out', () => {
  const { reason, ...rest } = onlyListed({ reason: 'x'.repeat(5_000), traceId: undefined });
  expect(reason).toBe(`${'x'.repeat(1_000)}…`);
  expect(rest).toEqual({});
});
