import fc from 'fast-check';
import { families, familyNames } from '#catalogue';
import { keyOfJob, retryJob } from './retry-queue.ts';

const idOf = (key: string, family: (typeof familyNames)[number] = 'payments') =>
  retryJob({ family, key, afterMs: 0 }).id;

test.each(familyNames)('the alarm of a key of %s has its priority, ids only, and its time', (family) => {
  expect(retryJob({ family, key: 'id_1', afterMs: 7 })).toEqual({
    id: `${family}.id_1`,
    data: { family, key: 'id_1' },
    priority: families[family].priority,
    delayMs: 7,
  });
});

test('and the trace that it goes on with', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(retryJob({ family: 'payments', key: 'id_1', afterMs: 7, traceparent }).data).toEqual({
    family: 'payments',
    key: 'id_1',
    traceparent,
  });
});

test.each([
  ['pay_IDjM9Y', 'payments.pay_IDjM9Y'],
  ['a.b', 'payments.a.2Eb'],
  ['a:b/c', 'payments.a.3Ab.2Fc'],
  ["~!*'()", 'payments..7E.21.2A.27.28.29'],
  ['₹', 'payments..E2.82.B9'],
  ['42', 'payments.42'],
])('%p becomes an id that BullMQ takes', (key, id) => {
  expect(idOf(key)).toBe(id);
});

test('two keys never share an id, and every id is one that BullMQ takes', () => {
  // What Postgres holds as text: whole characters, none of them NUL.
  const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\u0000'));
  const family = fc.constantFrom(...familyNames);
  fc.assert(
    fc.property(key, key, family, family, (one, other, first, second) => {
      expect(idOf(one, first)).toMatch(/^[A-Za-z0-9._-]+$/);
      expect(idOf(one, first) === idOf(other, second)).toBe(one === other && first === second);
    }),
  );
});

test('a job that another has made is refused in words', () => {
  const own = new Set(['payments']);
  expect(keyOfJob({ family: 'payments', key: 'pay_1' }, own)).toEqual({
    ok: true,
    value: { family: 'payments', key: 'pay_1' },
  });
  expect(keyOfJob({ family: 'payments' }, own)).toMatchObject({
    ok: false,
    issues: ['the job names no family and key'],
  });
  expect(keyOfJob({ family: 'refunds', key: 'rfnd_1' }, own)).toMatchObject({
    ok: false,
    issues: [expect.stringContaining('"refunds"')],
  });
  expect(keyOfJob({ family: 'constructor', key: 'x' }, own)).toMatchObject({ ok: false });
});
