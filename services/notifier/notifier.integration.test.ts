import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { answers, eventually } from '#kit';
import type { Answer } from '#kit';
import { at, holding, notifying, receiving, useReceivers } from '../../test/kit/notify/notifying.ts';
import { CIRCUIT } from './channels/rate-limit.ts';

const HOUR = 3_600_000;
jest.setTimeout(60_000);
useReceivers();

test('a fact becomes one signed request, its row says what was answered, and the sequence grows with each fact of an entity', async () => {
  const receiver = await receiving();
  const notifier = await notifying(
    `destinations: {shop: ${at(receiver)}}\nrules:\n` +
      `  - {name: payments, when: [payment.authorized, payment.captured, payment.refunded], to: shop}\n`,
  );
  await notifier.start();
  await notifier.happen([{ kind: 'payment.authorized', key: 'pay_1', status: 'authorized' }]);
  await notifier.happen([
    { kind: 'payment.captured', key: 'pay_1', status: 'captured' },
    { kind: 'payment.captured', key: 'pay_2', status: 'captured' },
  ]);
  await notifier.happen([{ kind: 'payment.refunded', key: 'pay_1', status: 'refunded' }]);
  const rows = await notifier.until(
    'all are delivered',
    (told) => told.length === 4 && told.every(({ status }) => status === 'delivered'),
  );

  expect(
    rows.map(({ entity_key, kind, attempts, response, reason }) => [entity_key, kind, attempts, response, reason]),
  ).toEqual([
    ['pay_1', 'payment.authorized', 1, 'HTTP 200', null],
    ['pay_1', 'payment.captured', 1, 'HTTP 200', null],
    ['pay_1', 'payment.refunded', 1, 'HTTP 200', null],
    ['pay_2', 'payment.captured', 1, 'HTTP 200', null],
  ]);
  expect(receiver.received.map(({ id }) => id).sort()).toEqual(rows.map(({ id }) => id).sort());
  expect(receiver.received.filter(({ refusal }) => refusal !== null)).toEqual([]);
  const bodies = receiver.received.map(
    ({ body }) =>
      JSON.parse(body) as {
        readonly type: string;
        readonly data: { readonly entity_id: string; readonly sequence: number; readonly columns: object };
      },
  );
  const told = bodies
    .filter(({ data }) => data.entity_id === 'pay_1')
    .toSorted((a, b) => a.data.sequence - b.data.sequence);
  expect(told.map(({ type }) => type)).toEqual(['payment.authorized', 'payment.captured', 'payment.refunded']);
  expect(new Set(told.map(({ data }) => data.sequence)).size).toBe(3);
  expect(bodies[0]?.data.columns).toMatchObject({ amount_minor: 50_000, currency: 'INR', method: 'upi' });
  expect(await notifier.metrics()).toContain(
    'dakia_notification_attempts_total{destination="shop",channel="http",outcome="delivered"} 4',
  );
});

test('every way a receiver can behave ends as documented', async () => {
  const once =
    (first: Answer): Answer =>
    (response, socket, count, request) =>
      (count === 1 ? first : answers.status(200))(response, socket, count, request);
  const receivers = {
    broken: await receiving(once(answers.status(500))),
    gone: await receiving(answers.status(410)),
    hanging: await receiving(once(answers.hang)),
    moved: await receiving(answers.status(302, { location: 'http://169.254.169.254/' })),
    patient: await receiving(once(answers.status(429, { 'retry-after': '6' }))),
    resetting: await receiving(once(answers.reset)),
    slow: await receiving(answers.slow(400)),
    tardy: await receiving(once(answers.slow(5_000))),
  };
  const names = Object.keys(receivers);
  const destinations = Object.entries(receivers).map(
    ([name, receiver]) => `  ${name}: ${at(receiver, ', timeout_ms: 900')}`,
  );
  const notifier = await notifying(
    `destinations:\n${destinations.join('\n')}\nrules:\n` +
      `  - {name: captured, when: payment.captured, to: [${names.join(', ')}]}\n`,
  );
  await notifier.start();
  await notifier.happen([{ kind: 'payment.captured', key: 'pay_1', status: 'captured' }]);

  const first = await notifier.until(
    'each was tried',
    (told) => told.length === names.length && told.every(({ attempts }) => attempts > 0),
  );
  const reasonOf = (name: string): string => first.find(({ destination }) => destination === name)?.reason ?? '';
  expect(first.filter(({ status }) => status === 'retrying').map(({ destination }) => destination)).toEqual([
    'broken',
    'hanging',
    'patient',
    'resetting',
    'tardy',
  ]);
  expect(['broken', 'hanging', 'patient', 'tardy'].map(reasonOf)).toEqual([
    'HTTP 500',
    'no answer within 900 ms',
    'HTTP 429',
    'no answer within 900 ms',
  ]);
  expect(reasonOf('resetting')).toMatch(/^no answer: /);

  const rows = await notifier.until('each has come to its end', (told) =>
    told.every(({ status }) => status === 'delivered' || status === 'failed'),
  );
  expect(
    rows.map(({ destination, status, attempts, response, reason }) => [
      destination,
      status,
      attempts,
      response ?? reason,
    ]),
  ).toEqual([
    ['broken', 'delivered', 2, 'HTTP 200'],
    ['gone', 'failed', 1, 'HTTP 410'],
    ['hanging', 'delivered', 2, 'HTTP 200'],
    ['moved', 'failed', 1, 'HTTP 302: redirects are not followed; give the final URL'],
    ['patient', 'delivered', 2, 'HTTP 200'],
    ['resetting', 'delivered', 2, 'HTTP 200'],
    ['slow', 'delivered', 1, 'HTTP 200'],
    ['tardy', 'delivered', 2, 'HTTP 200'],
  ]);
  const [refused, taken] = receivers.patient.received;
  expect((taken?.atMs ?? 0) - (refused?.atMs ?? 0)).toBeGreaterThanOrEqual(6_000);
  for (const [name, { received }] of Object.entries(receivers)) {
    expect([name, received.length, new Set(received.map(({ id }) => id)).size]).toEqual([
      name,
      rows.find(({ destination }) => destination === name)?.attempts,
      1,
    ]);
  }
});

test('a dead destination keeps no other waiting', async () => {
  const { answer, held } = holding();
  const dead = await receiving(answer);
  const alive = await receiving();
  const notifier = await notifying(
    `destinations:\n  dead: ${at(dead, ', timeout_ms: 60000, concurrency: 2')}\n  alive: ${at(alive)}\nrules:\n` +
      `  - {name: captured, when: payment.captured, to: [dead, alive]}\n`,
  );
  await notifier.start();
  await notifier.happen(
    Array.from({ length: 50 }, (_, index) => ({
      kind: 'payment.captured' as const,
      key: `pay_${index}`,
      status: 'captured',
    })),
  );
  const rows = await notifier.until(
    'the living one has heard all',
    (told) => told.filter(({ destination, status }) => destination === 'alive' && status === 'delivered').length === 50,
  );
  expect(rows.filter(({ destination, attempts }) => destination === 'dead' && attempts > 0)).toEqual([]);
  expect(held).toHaveLength(2);
  for (const response of held) response.end();
});

test('a destination that fails again and again is left alone without using up attempts, and gets everything once it is back', async () => {
  const receiver = await receiving(answers.reset);
  const notifier = await notifying(
    `destinations: {shop: ${at(receiver, ', concurrency: 1')}}\nrules:\n` +
      `  - {name: captured, when: payment.captured, to: shop}\n`,
  );
  await notifier.start();
  await notifier.happen(
    Array.from({ length: 20 }, (_, index) => ({
      kind: 'payment.captured' as const,
      key: `pay_${index}`,
      status: 'captured',
    })),
  );
  await eventually('the circuit is open', async () =>
    (await notifier.metrics()).includes('dakia_notification_circuit_open{destination="shop"} 1'),
  );
  receiver.answer(answers.status(200));
  const open = await notifier.notifications();
  expect(open.filter(({ attempts }) => attempts > 0).length).toBeLessThanOrEqual(CIRCUIT.failuresToOpen);
  expect(open.filter(({ status, attempts }) => status === 'pending' && attempts === 0).length).toBeGreaterThanOrEqual(
    20 - CIRCUIT.failuresToOpen,
  );
  const rows = await notifier.until(
    'all are delivered',
    (told) => told.every(({ status }) => status === 'delivered'),
    40_000,
  );
  expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(20 + CIRCUIT.failuresToOpen);
  expect(await notifier.metrics()).toContain('dakia_notification_circuit_open{destination="shop"} 0');
});

test('a delivery whose outcome cannot be written for a while is not repeated', async () => {
  const { answer, held } = holding();
  const receiver = await receiving(answer);
  const notifier = await notifying(
    `destinations: {shop: ${at(receiver)}}\nrules:\n  - {name: captured, when: payment.captured, to: shop}\n`,
  );
  await notifier.start();
  await notifier.happen([{ kind: 'payment.captured', key: 'pay_1', status: 'captured' }]);
  await eventually('the request has come', () => held.length === 1);
  await notifier.rows('REVOKE UPDATE ON notifications FROM dakia_notifier');
  receiver.answer(answers.status(200));
  held[0]?.end();
  await eventually('the answer was taken', async () => (await notifier.metrics()).includes('outcome="delivered"} 1'));
  await notifier.rows('GRANT UPDATE ON notifications TO dakia_notifier');
  await notifier.until('it is written', ([row]) => row?.status === 'delivered');
  expect(receiver.received).toHaveLength(1);
});

test('a stop cuts off a receiver that hangs; that uses up no attempt, and the next start sends again at once, with the same id', async () => {
  const receiver = await receiving(answers.hang);
  const notifier = await notifying(
    `destinations: {shop: ${at(receiver, ', timeout_ms: 60000')}}\nrules:\n` +
      `  - {name: captured, when: payment.captured, to: shop}\n`,
  );
  await notifier.start();
  await notifier.happen([{ kind: 'payment.captured', key: 'pay_1', status: 'captured' }]);
  await eventually('the request has come', () => receiver.received.length === 1);
  await notifier.stop();
  expect(await notifier.notifications()).toMatchObject([{ status: 'pending', attempts: 0, reason: null }]);
  receiver.answer(answers.status(200));
  await notifier.start();
  await notifier.until('it is delivered', ([row]) => row?.status === 'delivered' && row.attempts === 1, 15_000);
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
});

test('10 000 notifications wait when a dispute arrives: it is among the next that are sent', async () => {
  const CONCURRENCY = 4;
  const { answer, held } = holding();
  const receiver = await receiving(answer);
  const notifier = await notifying(
    `destinations: {shop: ${at(receiver, `, concurrency: ${CONCURRENCY}, timeout_ms: 60000`)}}\nrules:\n` +
      `  - {name: all, when: [payment.captured, dispute.opened], to: shop}\n`,
  );
  await notifier.start();
  await notifier.happen(
    Array.from({ length: 10_000 }, (_, index) => ({
      kind: 'payment.captured' as const,
      key: `pay_${index}`,
      status: 'captured',
    })),
  );
  await notifier.queued('shop', 10_000, 40_000);
  await notifier.happen([{ kind: 'dispute.opened', key: 'disp_1', status: 'open' }]);
  await notifier.queued('shop', 10_001, 10_000);
  expect(held).toHaveLength(CONCURRENCY);

  receiver.answer(answers.status(200));
  for (const response of held.splice(0)) response.writeHead(200).end();
  await notifier.until('the dispute is sent', (told) =>
    told.some(({ kind, status }) => kind === 'dispute.opened' && status === 'delivered'),
  );
  const place = receiver.received.findIndex(({ entityId }) => entityId === 'disp_1');
  expect(place).toBeGreaterThanOrEqual(CONCURRENCY);
  expect(place).toBeLessThan(2 * CONCURRENCY);
}, 120_000);

test('what a rule no longer asks for is cancelled, and a row that cannot be used fails by itself', async () => {
  const receiver = await receiving(answers.status(503, { 'retry-after': '3600' }));
  const rules = (name: string): string =>
    `destinations: {shop: ${at(receiver)}}\nrules:\n  - {name: ${name}, when: payment.captured, to: shop}\n`;
  const notifier = await notifying(rules('before'));
  await notifier.start();
  await notifier.happen([{ kind: 'payment.captured', key: 'pay_1', status: 'captured' }]);
  await notifier.until('the receiver was asked', ([row]) => row?.status === 'retrying');
  await notifier.stop();

  receiver.answer(answers.status(200));
  notifier.rewrite(rules('after'));
  await notifier.rows("UPDATE notifications SET next_attempt_at = now() - interval '1 minute'");
  await notifier.rows(`INSERT INTO notifications (id, fact_id, kind, occurrence, family, entity_key, fact_at, rule,
    destination, priority, next_attempt_at, reminder)
    SELECT 'ntf_' || name, fact_id, broken.kind, '', family, broken.key, fact_at, 'after', destination, 4,
      now() - interval '1 minute', broken.reminder::jsonb
      FROM notifications, (VALUES ('fact', 'payment.vanished', 'pay_1', NULL), ('entity', 'payment.captured',
        'pay_gone', NULL), ('reminder', 'payment.captured', 'pay_1', '{"before": 7}')) AS broken (name, kind, key,
        reminder)`);
  await notifier.happen([{ kind: 'payment.captured', key: 'pay_2', status: 'captured' }]);
  // An older notifier beside a newer one would leave what it does not know to that one, for some minutes.
  notifier.later(HOUR / 2);
  await notifier.start();
  const rows = await notifier.until(
    'all have come to their end',
    (told) => told.length === 5 && told.every(({ status }) => !['pending', 'retrying'].includes(status)),
  );
  expect(
    new Map(rows.map(({ id, entity_key, status, reason }) => [id.length < 36 ? id : entity_key, [status, reason]])),
  ).toEqual(
    new Map([
      ['pay_1', ['cancelled', 'the rule "before" is no longer in the file']],
      ['pay_2', ['delivered', null]],
      ['ntf_fact', ['failed', 'this version of Dakia knows no fact "payment.vanished"']],
      ['ntf_entity', ['failed', 'payments has no row for pay_gone']],
      ['ntf_reminder', ['failed', 'its reminder is not {before, at, hours}']],
    ]),
  );
  for (const id of ['ntf_fact', 'ntf_entity', 'ntf_reminder'])
    expect(notifier.logged().filter((line) => line.includes('"level":"error"') && line.includes(id))).toHaveLength(1);
});

test.each([
  [
    'a fact that does not exist',
    'destinations: {log: {type: log}}\nrules:\n  - {name: a, when: dispute.open, to: log}\n',
    'rules.yaml:3: rules.a.when: there is no fact "dispute.open"',
  ],
  [
    'a variable that does not exist',
    'destinations: {log: {type: log}}\nrules:\n' +
      '  - {name: a, when: dispute.opened, to: log, title: "{{wrong}}", text: x}\n',
    'rules.yaml:3: ',
  ],
  [
    'a key that does not exist',
    'destinations: {log: {type: log, colour: red}}\nrules: []\n',
    'rules.yaml:1: destinations.log',
  ],
  [
    'a destination whose secret is missing',
    'destinations: {shop: {type: http, url: "https://shop.example.com/", secrets_env: NO_SUCH_SECRET}}\nrules: []\n',
    'NO_SUCH_SECRET not set',
  ],
])('the notifier does not start with %s, and says where', async (_name, rules, issue) => {
  const notifier = await notifying(rules);
  for (const args of [['--check-config'], []]) {
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...notifier.environment },
    });
    expect([status, stderr]).toEqual([78, expect.stringContaining(issue)]);
  }
});
