import { headersOf, sign } from '../wire.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import { NotAsDemanded } from './world.ts';
import type { World } from './world.ts';

const captured = (world: World, payment: string, second = 0, more = {}): SimulatedEvent =>
  world.event('payment.captured', second, { id: payment, amount: 50_000, order_id: null, ...more });

/** Of a body that would change when it is written anew: escaped slashes and letters beyond ASCII. */
const ESCAPED = { notes: { cart: 'a/b', customer: '₹ अशा' } };

const eventsUnder = async (world: World, ids: readonly string[], count: number): Promise<void> =>
  world.demand(
    `how many events are kept of ${ids.join(', ')}`,
    'SELECT count(*)::int AS kept FROM webhook_events WHERE razorpay_event_id = ANY($1::text[])',
    [ids],
    [{ kept: count }],
  );

const refused = async (world: World, how: string, body: Buffer, headers: Readonly<Record<string, string>>) => {
  const status = await world.post(body, headers);
  if (status === undefined || status < 400 || status > 499)
    throw new NotAsDemanded(`a delivery with ${how} must be refused with 4xx, was answered ${status ?? 'not at all'}`);
};

/** BP-37: genuine is taken, and whatever is changed in signature or body is refused and leaves nothing. */
export const signatures = async (world: World): Promise<void> => {
  const { secret } = world.receiver;
  const payment = world.id('pay_');
  const genuine = captured(world, payment, 0, ESCAPED);
  const { eventId, body } = genuine;
  const signature = sign(secret, body);
  const forged = (how: string): Readonly<Record<string, string>> =>
    headersOf(`${eventId.slice(0, 10)}${how}`, signature);
  const { 'X-Razorpay-Signature': _, ...unsigned } = headersOf(`${eventId.slice(0, 10)}none`, signature);
  const rewritten = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
  if (rewritten.equals(body)) throw new Error('this body does not change when it is written anew');
  const flipped = Buffer.from(body);
  flipped[body.length - 3] = (flipped[body.length - 3] ?? 0) ^ 1;
  const otherHex = signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));

  await refused(world, 'no signature', body, unsigned);
  await refused(world, 'an empty signature', body, { ...forged('void'), 'X-Razorpay-Signature': '' });
  await refused(world, 'one digit of the signature changed', body, {
    ...forged('hexd'),
    'X-Razorpay-Signature': otherHex,
  });
  await refused(world, 'the signature in upper case', body, {
    ...forged('uppr'),
    'X-Razorpay-Signature': signature.toUpperCase(),
  });
  await refused(world, 'one byte of the body changed', flipped, forged('byte'));
  await refused(world, 'a line end added', Buffer.concat([body, Buffer.from('\n')]), forged('line'));
  await refused(world, 'the body written anew', rewritten, forged('anew'));
  await refused(
    world,
    'the signature of another secret',
    body,
    headersOf(`${eventId.slice(0, 10)}othr`, sign(`not-${secret}`, body)),
  );
  const unknown = Buffer.from(body.toString().replace('payment.captured', 'payment.conformance'));
  await refused(world, 'an unknown event and a wrong signature', unknown, forged('unkn'));

  await world.deliver(genuine);
  await world.row('payments', payment, { status: 'captured', amount_minor: 50_000 });
  const names = ['none', 'void', 'hexd', 'uppr', 'byte', 'line', 'anew', 'othr', 'unkn'];
  await eventsUnder(
    world,
    names.map((name) => `${eventId.slice(0, 10)}${name}`),
    0,
  );
};

/** Copies that are sent at once. */
const AT_ONCE = 20;

/** BP-03: one change is stored and told once, however often and under whatever id its delivery comes. */
export const duplicates = async (world: World): Promise<void> => {
  const { secret } = world.receiver;
  const [payment, other, bare] = [world.id('pay_'), world.id('pay_'), world.id('pay_')];
  const event = captured(world, payment);
  await world.deliver(event, event, event);
  await Promise.all(Array.from({ length: AT_ONCE }, async () => world.deliver(event)));
  // The same body under another id: one change. Another body under the same id: two.
  await world.deliver({ ...event, eventId: world.id('') as typeof event.eventId });
  await world.deliver({ ...captured(world, other), eventId: event.eventId });
  // Without an id, twice.
  const { body } = captured(world, bare);
  const { 'X-Razorpay-Event-Id': _, ...headers } = headersOf('', sign(secret, body));
  for (const _time of [1, 2]) {
    const status = await world.post(body, headers);
    if (status !== 200) throw new NotAsDemanded(`a delivery without an event id must be taken, was answered ${status}`);
  }
  for (const key of [payment, other, bare]) {
    await world.row('payments', key, { status: 'captured' });
    // A later event of the same payment is applied after all copies.
    await world.deliver(world.event('payment.authorized', 9, { id: key, amount: 50_000, order_id: null }));
    await world.demand(
      `what is kept of ${key}`,
      `SELECT event_type, count(*)::int AS kept FROM webhook_events WHERE family = 'payments' AND entity_key = $1
        AND processed GROUP BY 1 ORDER BY 1`,
      [key],
      [
        { event_type: 'payment.authorized', kept: 1 },
        { event_type: 'payment.captured', kept: 1 },
      ],
    );
    await world.told(key, { 'payment.captured': 1 });
  }
};

/** Deliveries that are under way at once. */
const SENDERS = 20;
const [ANSWER_MAX_MS, HURRY_MS] = [5_000, 5];

/** BP-11: acknowledged first, worked on later; a sender that gave up waiting sends again, and that changes nothing. */
export const acknowledgement = async (world: World, burst: number): Promise<void> => {
  const keys = Array.from({ length: burst }, () => world.id('pay_'));
  const before = world.answersMs.length;
  const waiting = keys.map((key) => captured(world, key));
  const sender = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await world.deliver(next);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  const slowest = Math.max(...world.answersMs.slice(before));
  if (slowest > ANSWER_MAX_MS)
    throw new NotAsDemanded(`each answer must come within 5 s, one took ${Math.round(slowest)} ms`);

  const late = world.id('pay_');
  const event = captured(world, late);
  await fetch(world.receiver.url, {
    method: 'POST',
    headers: headersOf(event.eventId, sign(world.receiver.secret, event.body)),
    body: event.body,
    signal: AbortSignal.timeout(HURRY_MS),
  }).catch(() => undefined);
  await world.deliver(event);
  await world.demand(
    'payments of the burst',
    `SELECT count(*)::int AS captured FROM payment_transactions WHERE payment_id = ANY($1::text[])
      AND status = 'captured'`,
    [[...keys, late]],
    [{ captured: burst + 1 }],
  );
  await eventsUnder(world, [event.eventId], 1);
};
