import { createLogger } from './index.ts';

const logged = (fields: object): Record<string, unknown> => {
  const lines: string[] = [];
  createLogger('test', 'info', { write: (line) => void lines.push(line) })
    .child({ service: 'payments' })
    .info(fields, 'it happened');
  return JSON.parse(lines.join('')) as Record<string, unknown>;
};

test.each([
  ['invalid input syntax for type integer: "asha@example.com"', 'invalid input syntax for type integer: "…"'],
  ['value "99999999999999999999" is out of range for type bigint', 'value "…" is out of range for type bigint'],
  [
    'new row for relation "payment_orders" violates check constraint "paid"',
    'new row for relation "payment_orders" violates check constraint "paid"',
  ],
  [
    'null value in column "status" of relation "payment_orders" violates not-null constraint',
    'null value in column "status" of relation "payment_orders" violates not-null constraint',
  ],
])('a message keeps no value that it quotes, but the names of ours: %s', (message, shown) => {
  const error = Object.assign(new Error(message), { code: '22P02', detail: 'Failing row contains (asha@example.com)' });
  const line = logged({ err: error, reason: message });
  expect(line).toMatchObject({ reason: shown, err: { type: 'Error', message: shown, code: '22P02' } });
  if (shown !== message) expect(JSON.stringify(line)).not.toMatch(/asha|9999/);
  expect(JSON.stringify(line)).not.toContain('Failing row');
});

test('what JSON.parse shows of a body is not logged', () => {
  const caught = (): unknown => {
    try {
      return JSON.parse('canary of a body that is not JSON');
    } catch (error) {
      return error;
    }
  };
  const line = JSON.stringify(logged({ err: caught() }));
  expect(line).toContain('is not valid JSON');
  expect(line).not.toContain('canary');
});

test('a reason that quotes nothing stands as it is', () => {
  expect(logged({ reason: 'waits behind evt_1' })).toMatchObject({ reason: 'waits behind evt_1', service: 'payments' });
});
