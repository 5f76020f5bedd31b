/**
 * Every query of every dashboard is asked of a real Prometheus that scrapes a real run under load. Panels that only
 * trouble fills are filled by trouble: it is brought about here.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '#kit';
import { buildEvent } from '#simulator';
import { ROOT } from '#kit/root';
import { ruleFilePath, ruleFiles } from '../../tools/observability/all-rules.ts';
import { dashboards } from '../../tools/observability/dashboards/build.ts';
import type { Panel } from '../../tools/observability/dashboards/panels.ts';
import { openTestPrometheus } from '../kit/prometheus.ts';
import type { TestPrometheus } from '../kit/prometheus.ts';
import { newSecret, thisSecond } from '../kit/system-fixture.ts';
import { startSystem } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

/** What the variables of the dashboards stand for; scrapes are a second apart. */
const VARIABLES: Readonly<Record<string, string>> = { $__rate_interval: '10s', $namespace: '.*', $family: '.*' };
const FILLED_WITHIN_MS = 30_000;
const START_LIMIT_MS = 90_000;
jest.setTimeout(60_000);

let folder = '';
let system: System;
let prometheus: TestPrometheus;
let certificate: http.Server;

const RULES = `
time_zone: Asia/Kolkata
locale: en-IN
destinations:
  log: { type: log }
  dead-end: { type: http, url_env: DEAD_END_URL, secrets_env: DEAD_END_SECRETS, allow: [127.0.0.1], concurrency: 2, timeout_ms: 1000 }
rules:
  - name: all
    when: [payment.captured, dispute.opened]
    to: [log, dead-end]
`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-dashboards-'));
  const [rules, secrets] = [join(folder, 'rules.yaml'), join(folder, 'secrets')];
  writeFileSync(rules, RULES);
  writeFileSync(secrets, `${newSecret()}\n`);
  // What cert-manager or the blackbox exporter would say; it is no metric of ours.
  certificate = http.createServer((_request, response) =>
    response.end(`probe_ssl_earliest_cert_expiry ${Math.floor(Date.now() / 1000) + 864_000}\n`),
  );
  await new Promise<void>((resolve) => certificate.listen(0, '127.0.0.1', resolve));
  system = await startSystem({
    settings: {
      DAKIA_NOTIFICATIONS_FILE: rules,
      DEAD_END_URL: 'http://127.0.0.1:1/',
      DEAD_END_SECRETS: `whsec_${Buffer.from(newSecret()).toString('base64')}`,
      DAKIA_RETRY_DELAYS: '500ms,500ms',
    },
  });
  prometheus = await openTestPrometheus(
    [
      { name: 'dakia', targets: [`127.0.0.1:${system.opsPort()}`] },
      { name: 'dakia-webhook', targets: [`127.0.0.1:${(certificate.address() as AddressInfo).port}`] },
    ],
    Object.keys(ruleFiles).map((name) => join(ROOT, ruleFilePath(name))),
  );
  await makeTrouble();
  await loseTopic();
}, START_LIMIT_MS);
afterAll(async () => {
  await prometheus.close();
  await system.close();
  certificate.close();
  rmSync(folder, { recursive: true, force: true });
}, START_LIMIT_MS);

/** In small steps over some scrapes, because a rate needs a change between two of them. */
const makeTrouble = async (): Promise<void> => {
  await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (order_id <> 'order_poison')`);
  for (let round = 0; round < ROUNDS; round += 1) {
    await system.simulate({ count: 40, duplicates: 0.2, rate: 40 });
    await trouble(round);
  }
};
const ROUNDS = 6;

/** Kafka takes nothing for this topic: the producer of ingest fails, and Razorpay is told to send again. */
const loseTopic = async (): Promise<void> => {
  await system.drained();
  await system.withAdmin(async (admin) => admin.deleteTopics({ topics: [`${system.prefix}rzp.invoices.v1`] }));
  const invoice = buildEvent('invoice.paid', { at: thisSecond() });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) expect(await system.deliver(invoice)).toBe(503);
};
const ATTEMPTS = 3;

const payment = (id: string, amount = 12_345) =>
  buildEvent('payment.captured', {
    seed: `${id} ${amount}`,
    at: thisSecond(),
    subject: { id, amount, currency: 'INR' },
  });

/** Postgres refuses it, so its payment is parked. */
const poison = (round: number) =>
  buildEvent('payment.captured', {
    seed: `poison ${round}`,
    at: thisSecond(),
    subject: { id: `pay_poison0000${round}`, amount: 100, currency: 'INR', order_id: 'order_poison' },
  });

const trouble = async (round: number): Promise<void> => {
  expect(await system.deliver(payment(`pay_refused${round}`), { secret: newSecret() })).toBe(401);
  expect(await system.deliver(poison(round))).toBe(200);
  const twice = payment(`pay_conflict00${round}`);
  await system.deliver(twice);
  await system.post({ body: payment(`pay_conflict00${round}`, 99).body, eventId: twice.eventId });
  await system.post({
    body: JSON.stringify({ entity: 'event', event: 'moon.landed', payload: {} }),
    eventId: `ev_${round}`,
  });
  const dispute = buildEvent('payment.dispute.created', {
    seed: `dispute ${round}`,
    at: thisSecond(),
    subject: { id: `disp_${round}0000000000` },
  });
  await system.deliver(dispute);
  await speakNoHttp();
};

const speakNoHttp = (): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(Number(system.environment['DAKIA_WEBHOOK_PORT']), '127.0.0.1', () =>
      socket.write('HELO\r\n\r\n'),
    );
    socket.once('error', () => undefined).once('close', () => resolve());
    socket.resume();
  });

const filled = (query: string): string =>
  Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), query);

const hasData = async ({ queries }: Panel): Promise<boolean> => {
  const answers = await Promise.all(queries.map(({ expr }) => prometheus.range(filled(expr))));
  return answers.every((series) => series.some(({ values }) => values.some(Number.isFinite)));
};

const panels = dashboards.flatMap(({ name, rows }) =>
  rows.flatMap((row) => row.panels.map((panel) => [`${name}: ${panel.title}`, panel] as const)),
);

test.each(panels)('%s shows something', async (name, panel) => {
  expect(await eventually(name, () => hasData(panel), FILLED_WITHIN_MS)).toBe(true);
});

test('an entity was parked, given up, and is there to be seen', async () => {
  await eventually('a dead letter', async () => (await system.rows('SELECT 1 FROM dead_letters')).length > 0);
});

test('no query leaves a variable that Prometheus does not know', () => {
  for (const [, { queries }] of panels) for (const { expr } of queries) expect(filled(expr)).not.toContain('$');
});
