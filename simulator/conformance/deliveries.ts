import { headersOf, sign } from '../wire.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import { NotAsDemanded } from './deployment.ts';
import type { Deployment } from './deployment.ts';

const captured = (deployment: Deployment, payment: string, second = 0, more = {}): SimulatedEvent =>
  deployment.event('payment.captured', second, { id: payment, amount: 50_000, order_id: null, ...more });

/** Of a body that would change when it is written anew: escaped slashes and letters beyond ASCII. */
const ESCAPED = { notes: { cart: 'a/b', customer: '₹ अशा' } };

const eventsUnder = async (deployment: Deployment, ids: readonly string[], count: number): Promise<void> =>
  deployment.demand(
    `how many events are kept of ${ids.join(', ')}`,
    'SELECT count(*)::int AS kept FROM webhook_events WHERE razorpay_event_id = ANY($1::text[])',
    [ids],
    [{ kept: count }],
  );

const refused = async (
  deployment: Deployment,
  how: string,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
) => {
  const status = await deployment.post(body, headers);
  if (status === undefined || status < 400 || status > 499)
    throw new NotAsDemanded(`a delivery with ${how} must be refused with 4xx, was answered ${status ?? 'not at all'}`);
};

/** BP-37: genuine is taken, and whatever is changed in signature or body is refused and leaves nothing. */
export const signatures = async (deployment: Deployment): Promise<void> => {
  const { secret } = deployment.receiver;
  const payment = deployment.id('pay_');
  const genuine = captured(deployment, payment, 0, ESCAPED);
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

  await refused(deployment, 'no signature', body, unsigned);
  await refused(deployment, 'an empty signature', body, { ...forged('void'), 'X-Razorpay-Signature': '' });
  await refused(deployment, 'one digit of the signature changed', body, {
    ...forged('hexd'),
    'X-Razorpay-Signature': otherHex,
  });
  await refused(deployment, 'the signature in upper case', body, {
    ...forged('uppr'),
    'X-Razorpay-Signature': signature.toUpperCase(),
  });
  await refused(deployment, 'one byte of the body changed', flipped, forged('byte'));
  await refused(deployment, 'a line end added', Buffer.concat([body, Buffer.from('\n')]), forged('line'));
  await refused(deployment, 'the body written anew', rewritten, forged('anew'));
  await refused(
    deployment,
    'the signature of another secret',
    body,
    headersOf(`${eventId.slice(0, 10)}othr`, sign(`not-${secret}`, body)),
  );
  const unknown = Buffer.from(body.toString().replace('payment.captured', 'payment.conformance'));
  await refused(deployment, 'an unknown event and a wrong signature', unknown, forged('unkn'));

  await deployment.deliver(genuine);
  await deployment.row('payments', payment, { status: 'captured', amount_minor: 50_000 });
  const names = ['none', 'void', 'hexd', 'uppr', 'byte', 'line', 'anew', 'othr', 'unkn'];
  await eventsUnder(
    deployment,
    names.map((name) => `${eventId.slice(0, 10)}${name}`),
    0,
  );
};

/** Copies that are sent at once. */
const AT_ONCE = 20;

/** BP-03: one change is stored and told once, however often and under whatever id its delivery comes. */
export const duplicates = async (deployment: Deployment): Promise<void> => {
  const { secret } = deployment.receiver;
  const [payment, other, bare] = [deployment.id('pay_'), deployment.id('pay_'), deployment.id('pay_')];
  const event = captured(deployment, payment);
  await deployment.deliver(event, event, event);
  await Promise.all(Array.from({ length: AT_ONCE }, async () => deployment.deliver(event)));
  // The same body under another id: one change. Another body under the same id: two.
  await deployment.deliver({ ...event, eventId: deployment.id('') as typeof event.eventId });
  await deployment.deliver({ ...captured(deployment, other), eventId: event.eventId });
  // Without an id, twice.
  const { body } = captured(deployment, bare);
  const { 'X-Razorpay-Event-Id': _, ...headers } = headersOf('', sign(secret, body));
  for (const _time of [1, 2]) {
    const status = await deployment.post(body, headers);
    if (status !== 200) throw new NotAsDemanded(`a delivery without an event id must be taken, was answered ${status}`);
  }
  for (const key of [payment, other, bare]) {
    await deployment.row('payments', key, { status: 'captured' });
    // A later event of the same payment is applied after all copies.
    await deployment.deliver(deployment.event('payment.authorized', 9, { id: key, amount: 50_000, order_id: null }));
    await deployment.demand(
      `what is kept of ${key}`,
      `SELECT event_type, count(*)::int AS kept FROM webhook_events WHERE family = 'payments' AND entity_key = $1
        AND processed GROUP BY 1 ORDER BY 1`,
      [key],
      [
        { event_type: 'payment.authorized', kept: 1 },
        { event_type: 'payment.captured', kept: 1 },
      ],
    );
    await deployment.told(key, { 'payment.captured': 1 });
  }
};

/** Deliveries that are under way at once. */
const SENDERS = 20;
const [ANSWER_MAX_MS, HURRY_MS] = [5_000, 5];

/** BP-11: acknowledged first, worked on later; a sender that gave up waiting sends again, and that changes nothing. */
export const acknowledgement = async (deployment: Deployment, burst: number): Promise<void> => {
  const keys = Array.from({ length: burst }, () => deployment.id('pay_'));
  const before = deployment.answersMs.length;
  const waiting = keys.map((key) => captured(deployment, key));
  const sender = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await deployment.deliver(next);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  const slowest = Math.max(...deployment.answersMs.slice(before));
  if (slowest > ANSWER_MAX_MS)
    throw new NotAsDemanded(`each answer must come within 5 s, one took ${Math.round(slowest)} ms`);

  const late = deployment.id('pay_');
  const event = captured(deployment, late);
  await fetch(deployment.receiver.url, {
    method: 'POST',
    headers: headersOf(event.eventId, sign(deployment.receiver.secret, event.body)),
    body: event.body,
    signal: AbortSignal.timeout(HURRY_MS),
  }).catch(() => undefined);
  await deployment.deliver(event);
  await deployment.demand(
    'payments of the burst',
    `SELECT count(*)::int AS captured FROM payment_transactions WHERE payment_id = ANY($1::text[])
      AND status = 'captured'`,
    [[...keys, late]],
    [{ captured: burst + 1 }],
  );
  await eventsUnder(deployment, [event.eventId], 1);
};
