import { eventNames } from '#catalogue';
import { instant } from '#rules';
import { buildEvent } from '#simulator';
import { sign, WEBHOOK_PATH } from '../kit/ingest/deliveries.ts';
import type { Random } from './random.ts';

/** Values that a provider would not send, and a mistake, or somebody, would. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53 + 1,
  0.1,
  '',
  'null',
  '\u0000',
  '\ud800',
  '\u202e',
  'x'.repeat(5_000),
  [],
  [[]],
  {},
  { entity: null },
  { toString: 1, valueOf: 1 },
  '9'.repeat(40),
  '-0',
  '1e5',
];
const ODD_KEYS = ['__proto__', 'constructor', 'toString', 'entity', 'id', 'status', '', '\u0000', 'payment.entity'];
const ODD_TEXTS = ['\u0000', '\ufeff', '{', '}', '[', '"', '\\u0000', '\\ud800', '1e999', '//', ',,', '\r\n', '€'];

/** The published event of one name, as JSON. */
const eventBody = (random: Random): string =>
  buildEvent(random.pick(eventNames), {
    seed: String(random.below(1_000_000)),
    at: instant(1_795_841_805_000 + random.below(1_000_000)),
  }).body.toString('utf8');

/** Puts an odd value somewhere into a tree of JSON, or takes a branch away. */
const disturb = (random: Random, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || random.next() < 0.15) return random.pick(ODD_VALUES);
  if (Array.isArray(value)) return [...(value as unknown[]).slice(1), disturb(random, value[0])];
  const entries = Object.entries(value);
  const [name] = entries[random.below(Math.max(1, entries.length))] ?? ['empty'];
  if (random.next() < 0.15) return Object.fromEntries(entries.filter(([other]) => other !== name));
  if (random.next() < 0.15) return Object.fromEntries([...entries, [random.pick(ODD_KEYS), random.pick(ODD_VALUES)]]);
  return Object.fromEntries(entries.map(([other, inner]) => [other, other === name ? disturb(random, inner) : inner]));
};

/** A body that will be signed: an event, disturbed as JSON, as text, or as bytes. */
export const oddBody = (random: Random): Buffer => {
  let body = eventBody(random);
  for (let times = random.below(4); times > 0; times--) body = JSON.stringify(disturb(random, JSON.parse(body)));
  if (random.next() < 0.2) {
    const at = random.below(body.length);
    body = `${body.slice(0, at)}${random.pick(ODD_TEXTS)}${body.slice(at + random.below(8))}`;
  }
  if (random.next() < 0.05) body = `${'['.repeat(random.below(20_000))}${body}`;
  const bytes = Buffer.from(body);
  return random.next() < 0.1 ? oddBytes(random, bytes) : bytes;
};

/** Flips, takes away, repeats or cuts off bytes. */
export const oddBytes = (random: Random, bytes: Buffer): Buffer => {
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random.below(16));
  switch (random.below(5)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (flipped.length > 0) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      return flipped;
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3:
      return bytes.subarray(0, at);
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(ODD_TEXTS)), bytes.subarray(at)]);
  }
};

/** A request as bytes, good or nearly so, and then disturbed. */
export const oddRequest = (random: Random): Buffer => {
  const body = Buffer.from(eventBody(random));
  const lines = [
    `${random.pick(['POST', 'POST', 'POST', 'GET', 'PUT', 'post', 'PRI'])} ` +
      `${random.pick([WEBHOOK_PATH, WEBHOOK_PATH, '/', '//webhooks/razorpay/', '/webhooks/razorpay/%zz', '*'])} HTTP/1.1`,
    'Host: fuzz',
    random.pick([
      `Content-Length: ${body.length}`,
      `Content-Length: ${body.length}`,
      'Transfer-Encoding: chunked',
      'Content-Length: -1',
    ]),
    `X-Razorpay-Signature: ${random.pick([sign(body), sign(body), 'f'.repeat(64), ''])}`,
    `X-Razorpay-Event-Id: ${random.pick(['TUoumpUn1znA6u', 'undefined', 'x'.repeat(2_000), ''])}`,
    ...(random.next() < 0.1 ? ['Expect: 100-continue'] : []),
    ...(random.next() < 0.1 ? [`X-Long: ${'y'.repeat(random.below(20_000))}`] : []),
  ];
  let request: Buffer = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
  for (let times = random.below(4); times > 0; times--) request = oddBytes(random, request);
  return request;
};
