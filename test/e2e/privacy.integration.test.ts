import { buildEvent } from '#simulator';
import { instant } from '#kernel';
import { eventually } from '#testkit';
import { startSystem, testsOf } from '../../libs/testkit/system.ts';
import type { System } from '../../libs/testkit/system.ts';

let system: System;
const it = testsOf(() => system);
// Everything that any level can say.
beforeAll(async () => void (system = await startSystem({ settings: { DAKIA_LOG_LEVEL: 'trace' } })), 30_000);
afterAll(() => system.close(), 30_000);

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

it('no secret and no personal data in any line that any service logs, whatever becomes of the delivery', async () => {
  const person = { email: canaries.email, contact: canaries.contact, vpa: canaries.vpa, notes: { note: canaries.note }, description: canaries.name, card: { name: canaries.name, last4: '1111' } };
  const at = instant(Date.now());
  const event = (id: string, subject = {}) => buildEvent('payment.captured', { eventId: id, at, subject: { id: `pay_${id}`, ...person, ...subject } });
  const headers = { 'X-Canary': canaries.header, Authorization: `Bearer ${canaries.header}` };

  const good = event('privacyGood001');
  expect(await system.deliver(good, { headers })).toBe(200);
  expect(await system.deliver(good, { headers })).toBe(200);
  expect(await system.deliver({ ...good, body: event('privacyGood001', { amount: 7 }).body })).toBe(200);
  expect(await system.deliver(event('privacyForged1'), { headers, secret: 'another secret' })).toBe(401);
  expect((await system.post({ eventId: 'privacyText001', body: canaries.text, headers })).status).toBe(200);
  expect((await system.post({ eventId: 'privacyNew0001', body: JSON.stringify({ event: 'payment.canary', payload: person }) })).status).toBe(200);
  // Refused by Postgres, with the whole row in the details of the error, and with a value in its message.
  await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (payment_id <> 'pay_privacyPoison1')`);
  expect(await system.deliver(event('privacyPoison1'))).toBe(200);
  await system.rows(`CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM NEW.email::integer; RETURN NEW; END $$`);
  await system.rows(`CREATE TRIGGER speak BEFORE INSERT ON payment_transactions FOR EACH ROW WHEN (NEW.payment_id = 'pay_privacySpeaks1') EXECUTE FUNCTION speak()`);
  expect(await system.deliver(event('privacySpeaks1'))).toBe(200);

  expect(await system.drained()).toMatchObject({ ok: true, totals: { accepted: 7, applied: 1, duplicate: 1, rejected: 1, quarantined: 2, parked: 2 } });
  await eventually('the parked events are logged', () => system.log.lines().filter(({ msg }) => msg === 'an event is parked').length === 2);
  await system.stop();

  const lines = system.log.raw();
  for (const id of ['privacyGood001', 'privacyText001', 'privacyPoison1', 'privacySpeaks1']) expect(lines.some((line) => line.includes(id))).toBe(true);
  const secrets = { secret: system.secret, password: new URL(system.databaseUrl).password };
  const planted = Object.entries({ ...canaries, ...secrets });
  expect(planted.filter(([, text]) => text === '')).toEqual([]);
  expect(planted.flatMap(([what, text]) => lines.filter((line) => line.includes(text)).map((line) => [what, line]))).toEqual([]);
}, 30_000);
