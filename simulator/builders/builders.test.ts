import { eventNames, eventSpec, isEventName, isModelled, occurredAtOf, route, subjectOf } from '#catalogue';
import { publishedBodies } from '#kit/published';
import { instant, isRecord, recordAt } from '#rules';
import { buildEvent } from './index.ts';

const parse = (body: Buffer): Record<string, unknown> => JSON.parse(body.toString()) as Record<string, unknown>;

describe.each(eventNames)('%s', (event) => {
  const built = buildEvent(event, { seed: 'one' });

  test('is routed to its family and key', () => {
    expect(route(parse(built.body))).toEqual({
      kind: 'routed',
      event,
      family: eventSpec(event).family,
      key: built.key,
    });
  });

  test('gives the same bytes for the same seed, others for another', () => {
    expect(buildEvent(event, { seed: 'one' })).toEqual(built);
    expect(buildEvent(event, { seed: 'two' }).body.equals(built.body)).toBe(false);
    expect(buildEvent(event, { seed: 'two' }).eventId).not.toBe(built.eventId);
  });

  test('has an event id of 14 base62 characters', () => {
    expect(built.eventId).toMatch(/^[0-9A-Za-z]{14}$/);
  });

  test('takes the id and the time that a test asks for', () => {
    const asked = buildEvent(event, {
      at: instant(1_700_000_123_000),
      subject: { [eventSpec(event).keyField]: 'chosen' },
    });
    // What is about an account is keyed by that account.
    if (eventSpec(event).shape !== 'account') expect(asked.key).toBe('chosen');
    const body = parse(asked.body);
    expect(occurredAtOf(body) ?? occurredAtOf(recordAt(body, 'payload'))).toBe(1_700_000_123_000);
  });
});

test('the first serializer has a fixed order of keys and escapes like PHP', () => {
  const text = buildEvent('invoice.paid').body.toString();
  expect(text).toMatch(
    /^\{"entity":"event","account_id":"acc_\w{14}","event":"invoice\.paid","contains":\["payment","order","invoice"\],"payload":\{"payment":\{"entity":\{"id":"pay_/,
  );
  expect(text).toContain('"currency_symbol":"\\u20b9"');
  expect(text).toContain('https:\\/\\/rzp.io\\/i\\/');
  expect(text).toMatch(/"created_at":\d{10}\}$/);
});

test('the second serializer sorts every key and does not escape', () => {
  const text = buildEvent('payment_link.paid').body.toString();
  expect(text).toMatch(
    /^\{"account_id":"acc_\w{14}","contains":\["payment_link","order","payment"\],"created_at":\d{10},"entity":"event","event":"payment_link\.paid","payload":\{"order":/,
  );
  expect(text).toContain('https://rzp.io/rzp/');
  const keysOf = (value: unknown): readonly string[][] =>
    isRecord(value)
      ? [Object.keys(value), ...Object.values(value).flatMap(keysOf)]
      : Array.isArray(value)
        ? value.flatMap(keysOf)
        : [];
  for (const keys of keysOf(JSON.parse(text))) expect(keys).toEqual([...keys].sort());
});

test('the oddities of the published bodies are there', () => {
  expect(parse(buildEvent('order.notification.failed').body)).not.toHaveProperty('created_at');
  expect(parse(buildEvent('refund.speed_changed').body)).toHaveProperty(['payload', 'created_at']);
  expect(parse(buildEvent('payment.downtime.started').body)).toHaveProperty([
    'payload',
    'payment.downtime',
    'entity',
    'id',
  ]);
  expect(parse(buildEvent('payment.dispute.action_required').body)).toHaveProperty([
    'payload',
    'dispute',
    'evidence',
    'submitted_at',
  ]);
  const account = buildEvent('account.instantly_activated');
  expect(parse(account.body)).toHaveProperty('account_id', `acc_${account.key}`);
  expect(account.key).toMatch(/^\w{14}$/);
});

test('the body is compact: no white space between tokens, none at the end', () => {
  for (const event of eventNames) {
    const text = buildEvent(event).body.toString();
    expect(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')).not.toMatch(/\s/);
  }
});

/** Fields that only one kind of instrument has. */
const NOT_IN_EVERY_BODY = new Set(['card', 'token_id', 'upi']);
/** Samples of the documentation's pages of webhooks; other files are of older or partner pages. */
const OF_WEBHOOK_PAGES = /--rzpdocs-wh-/;

test('our bodies have every field of the published samples, and contain the same entities', () => {
  for (const { file, event, body: sample } of publishedBodies(isEventName)) {
    if (!isEventName(event) || !isModelled(event) || !OF_WEBHOOK_PAGES.test(file)) continue;
    const body = parse(buildEvent(event).body);
    const ours = Object.keys(subjectOf(body, event) ?? {});
    const missing = Object.keys(subjectOf(sample, event) ?? {}).filter(
      (field) => !ours.includes(field) && !NOT_IN_EVERY_BODY.has(field),
    );
    expect({ file, missing, contains: body['contains'] }).toEqual({ file, missing: [], contains: sample['contains'] });
  }
});
