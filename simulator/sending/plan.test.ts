import { instant } from '#rules';
import { simulation } from '../simulation.ts';
import { sign } from '../wire.ts';
import { retriesMs } from './ladder.ts';
import { plan, requestOf } from './plan.ts';

const { events } = simulation({
  seed: 'plan',
  count: 400,
  stories: ['checkout-captured', 'link-partial'],
  at: instant(1_790_000_000_000),
});
const options = { seed: 'plan', duplicates: 0.2, shuffle: false, tamper: 0.05 };
const SECRET = 'a secret';

test('the numbers are exact, and every event is delivered', () => {
  const deliveries = plan(events, options);
  const of = (kind: string) => deliveries.filter((delivery) => delivery.kind === kind);
  expect([of('genuine').length, of('again').length, of('tampered').length]).toEqual([400, 80, 20]);
  expect(new Set(of('genuine').map(({ event }) => event.eventId)).size).toBe(400);
});

test('the same seed plans the same deliveries, another one others', () => {
  expect(plan(events, options)).toEqual(plan(events, options));
  expect(plan(events, options)).not.toEqual(plan(events, { ...options, seed: 'other' }));
});

test('without shuffling the genuine deliveries keep the true order and a repeat comes after its original', () => {
  const deliveries = plan(events, options);
  expect(deliveries.filter(({ kind }) => kind === 'genuine').map(({ event }) => event)).toEqual(events);
  for (const [index, { kind, event }] of deliveries.entries()) {
    if (kind === 'again')
      expect(deliveries.findIndex((other) => other.kind === 'genuine' && other.event === event)).toBeLessThan(index);
  }
});

test('shuffling changes the order and nothing else', () => {
  const [inOrder, anyOrder] = [plan(events, options), plan(events, { ...options, shuffle: true })];
  expect(anyOrder).not.toEqual(inOrder);
  const names = (deliveries: typeof inOrder) => deliveries.map(({ kind, event }) => `${kind} ${event.eventId}`).sort();
  expect(names(anyOrder)).toEqual(names(inOrder));
});

test('a genuine request is signed over its exact bytes and has the headers of Razorpay', () => {
  const [first] = plan(events, options);
  const { headers, body } = requestOf(first as NonNullable<typeof first>, SECRET);
  expect(headers).toEqual({
    'Content-Type': 'application/json',
    'User-Agent': 'Razorpay-Webhook/v1',
    'X-Razorpay-Signature': sign(SECRET, body),
    'X-Razorpay-Event-Id': first?.event.eventId,
    'Request-Id': first?.event.eventId,
    'Accept-Encoding': 'gzip',
  });
  expect(headers['X-Razorpay-Signature']).toMatch(/^[0-9a-f]{64}$/);
});

test('no forgery verifies, and every kind of forgery occurs', () => {
  const forged = plan(events, { ...options, tamper: 1 }).filter(({ kind }) => kind === 'tampered');
  expect(new Set(forged.map(({ tampering }) => tampering)).size).toBe(5);
  for (const delivery of forged) {
    const { headers, body } = requestOf(delivery, SECRET);
    expect(headers['X-Razorpay-Signature']).not.toBe(sign(SECRET, body));
  }
});

test('a delivery is repeated at most 15 times, in 68 seconds instead of 23 hours', () => {
  const after5xx = retriesMs('payment.captured', 503, 1_200);
  expect(after5xx).toHaveLength(15);
  expect(after5xx.at(-1)).toBeCloseTo(68_294, 0);
  expect(retriesMs('payment.captured', 400, 1_200)).toHaveLength(14);
  expect(retriesMs('refund.created', 503, 1_200)).toHaveLength(14);
  expect(after5xx).toEqual([...after5xx].sort((a, b) => a - b));
});
