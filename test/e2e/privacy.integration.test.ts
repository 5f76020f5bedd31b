import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually, startReceiver } from '#kit';
import type { Receiver } from '#kit';
import { UNLISTED } from '../../libs/platform/log/fields.ts';
import { instant } from '#rules';
import { buildEvent } from '#simulator';
import { startOtlpReceiver } from '../kit/otlp-receiver.ts';
import type { OtlpReceiver } from '../kit/otlp-receiver.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
let receiver: Receiver;
let collector: OtlpReceiver;
let folder: string;
const it = testsOf(() => system);

/** For a receiver that is meant to get personal data, and quotes what it gets. */
const rules = (url: URL): string => `destinations:
  log: {type: log}
  shop: {type: http, url: "${url.href}", secrets_env: SHOP_SECRETS, allow: [127.0.0.1], personal_columns: [email, contact, vpa, notes]}
rules:
  - {name: captured, when: payment.captured, to: [log, shop], title: "{{email}}", text: "{{description}} {{vpa}}"}
`;
const COLLECTOR_KEY = 'canary-key-of-the-collector';
const SHOP_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

beforeAll(async () => {
  receiver = await startReceiver(
    (response, _socket, _count, { body }) =>
      response.writeHead(400).end(`cannot use ${body.slice(body.indexOf('"email"'))}`),
    SHOP_SECRET,
  );
  folder = mkdtempSync(join(tmpdir(), 'dakia-privacy-'));
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, rules(receiver.url));
  collector = await startOtlpReceiver();
  // Everything that any level can say, and every span.
  system = await startSystem({
    settings: {
      DAKIA_LOG_LEVEL: 'trace',
      DAKIA_NOTIFICATIONS_FILE: file,
      SHOP_SECRETS: SHOP_SECRET,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${COLLECTOR_KEY}`,
      DAKIA_TRACE_RATIO: '1',
    },
  });
}, 30_000);
afterAll(async () => {
  await system.close();
  await receiver.close();
  await collector.close();
  rmSync(folder, { recursive: true });
}, 30_000);

/** What must never be seen outside Kafka and Postgres, each recognisable. */
const canaries = {
  email: 'canary.person@example.com',
  contact: '+919876500000',
  name: 'Canary Person',
  vpa: 'canary@upi',
  note: 'canary-note-of-the-merchant',
  header: 'canary-header-value',
  text: 'canary-that-is-not-json',
} as const;

const EVENT = ['eventId', 'event', 'family', 'key', 'traceId'];
const NOTIFICATION = ['notification', 'eventId', 'destination', 'fact', 'family', 'key', 'traceId', 'attempts'];
/** One line per unit of work, with all by which it is looked up. */
const WIDE_LINES: Readonly<Record<string, readonly string[]>> = {
  delivery: [...EVENT, 'endpoint', 'outcome', 'bytes'],
  'deliveries were refused': ['claimedId', 'traceId', 'endpoint', 'reason', 'status', 'count'],
  'a batch is applied': [...EVENT, 'partition', 'offset', 'applied', 'ms'],
  'an event is applied': [...EVENT, 'partition', 'offset'],
  'an event is parked': [...EVENT, 'reason'],
  'an event is quarantined': ['eventId', 'event', 'traceId', 'reason', 'partition', 'offset'],
  'a notification was sent': NOTIFICATION,
  'a notification has failed; npx dakia notifications list shows why, retry sends it again': [
    ...NOTIFICATION,
    'reason',
  ],
};

it('no secret and no personal data in any line that any service logs, in any span or in Redis, whatever becomes of the delivery', async () => {
  const person = {
    email: canaries.email,
    contact: canaries.contact,
    vpa: canaries.vpa,
    notes: { note: canaries.note },
    description: canaries.name,
    card: { name: canaries.name, last4: '1111' },
  };
  const at = instant(Date.now());
  const event = (id: string, subject = {}) =>
    buildEvent('payment.captured', { eventId: id, at, subject: { id: `pay_${id}`, ...person, ...subject } });
  const headers = { 'X-Canary': canaries.header, Authorization: `Bearer ${canaries.header}` };

  const good = event('privacyGood001');
  expect(await system.deliver(good, { headers })).toBe(200);
  // Alone in its batch, whose line then says all that it says of one event.
  expect(await system.drained()).toMatchObject({ ok: true, totals: { accepted: 1, applied: 1 } });
  expect(await system.deliver(good, { headers })).toBe(200);
  expect(await system.deliver({ ...good, body: event('privacyGood001', { amount: 7 }).body })).toBe(200);
  expect(await system.deliver(event('privacyForged1'), { headers, secret: 'another secret' })).toBe(401);
  expect((await system.post({ eventId: 'privacyText001', body: canaries.text, headers })).status).toBe(200);
  expect(
    (
      await system.post({
        eventId: 'privacyNew0001',
        body: JSON.stringify({ event: 'payment.canary', payload: person }),
      })
    ).status,
  ).toBe(200);
  // Refused by Postgres, with the whole row in the details of the error, and with a value in its message.
  await system.rows(
    `ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (payment_id <> 'pay_privacyPoison1')`,
  );
  expect(await system.deliver(event('privacyPoison1'))).toBe(200);
  await system.rows(
    `CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM NEW.email::integer; RETURN NEW; END
      $$`,
  );
  await system.rows(
    `CREATE TRIGGER speak BEFORE INSERT ON payment_transactions FOR EACH ROW WHEN (NEW.payment_id =
      'pay_privacySpeaks1') EXECUTE FUNCTION speak()`,
  );
  expect(await system.deliver(event('privacySpeaks1'))).toBe(200);

  expect(await system.drained()).toMatchObject({
    ok: true,
    totals: { accepted: 7, applied: 2, duplicate: 1, rejected: 0, quarantined: 2, parked: 2 },
  });
  await eventually(
    'the parked events are logged',
    () => system.log.lines().filter(({ msg }) => msg === 'an event is parked').length === 2,
  );
  const told = await eventually('the capture is told', async () => {
    const rows = await system.rows<{
      readonly destination: string;
      readonly status: string;
      readonly reason: string | null;
      readonly row: string;
    }>(
      `SELECT destination, status, reason, (to_jsonb(n) - 'reason')::text AS row FROM notifications n
        WHERE status IN ('delivered', 'failed') ORDER BY destination`,
    );
    return rows.length === 2 && rows;
  });
  await system.stop();
  expect(told.map(({ destination, status }) => `${destination} ${status}`)).toEqual(['log delivered', 'shop failed']);
  // It was sent, and comes back in the answer, which is kept without what it echoes of a person.
  expect(receiver.received[0]?.body).toContain(canaries.email);
  expect(told[1]?.reason).toContain('"email":"…"');
  for (const canary of Object.values(canaries)) expect(told[1]?.reason).not.toContain(canary);

  const lines = system.log.raw();
  for (const id of ['privacyGood001', 'privacyText001', 'privacyPoison1', 'privacySpeaks1'])
    expect(lines.some((line) => line.includes(id))).toBe(true);
  const logged = system.log.lines();
  for (const [msg, fields] of Object.entries(WIDE_LINES))
    expect([msg, logged.some((line) => line.msg === msg && fields.every((field) => field in line))]).toEqual([
      msg,
      true,
    ]);
  const secrets = { secret: system.secret, password: new URL(system.databaseUrl).password };
  const planted = Object.entries({ ...canaries, ...secrets, shop: SHOP_SECRET, collector: COLLECTOR_KEY });
  const redis = await everythingInRedis();
  expect(redis.some((entry) => entry.includes('ntf_'))).toBe(true);
  expect(collector.spans.some(({ attributes }) => attributes['dakia.event.id'] === 'privacySpeaks1')).toBe(true);
  const spans = collector.spans.map(({ start: _start, end: _end, ...span }) => JSON.stringify(span));
  const places = { log: lines, spans, redis, notifications: told.map(({ row }) => row) };
  // What is logged under a name that nobody has listed is lost to whoever reads the log.
  expect(lines.filter((line) => line.includes(UNLISTED))).toEqual([]);
  expect(planted.filter(([, text]) => text === '')).toEqual([]);
  expect(
    planted.flatMap(([what, text]) =>
      Object.entries(places).flatMap(([place, entries]) =>
        entries.filter((entry) => entry.includes(text)).map((entry) => [what, place, entry]),
      ),
    ),
  ).toEqual([]);
}, 30_000);

/** Every key of the system's queues, with what it holds. */
const everythingInRedis = async (): Promise<readonly string[]> => {
  const client = new Redis(system.environment['REDIS_URL'] ?? '');
  try {
    const keys = await client.keys(`{${system.environment['DAKIA_QUEUE_PREFIX'] ?? ''}}*`);
    return await Promise.all(keys.map(async (key) => `${key} ${await textOf(client, key)}`));
  } finally {
    client.disconnect();
  }
};

const textOf = async (client: Redis, key: string): Promise<string> => {
  switch (await client.type(key)) {
    case 'hash':
      return JSON.stringify(await client.hgetall(key));
    case 'list':
      return JSON.stringify(await client.lrange(key, 0, -1));
    case 'set':
      return JSON.stringify(await client.smembers(key));
    case 'zset':
      return JSON.stringify(await client.zrange(key, '0', '-1'));
    case 'stream':
      return JSON.stringify(await client.xrange(key, '-', '+'));
    default:
      return (await client.get(key)) ?? '';
  }
};
