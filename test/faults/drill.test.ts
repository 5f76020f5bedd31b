/**
 * Incidents made to happen for real, beside a Prometheus with the shipped rules in shorter time: the right alert fires, no other page
 * does, it resolves after the repair, and nothing that was acknowledged is lost. `npm run drill` runs all of them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, startReceiver } from '#kit';
import type { Receiver } from '#kit';
import { freePort } from '#local';
import { openTestPrometheus } from '../kit/prometheus.ts';
import type { ActiveAlert, TestPrometheus } from '../kit/prometheus.ts';
import { newSecret } from '../kit/system-fixture.ts';
import { startSystem } from '../kit/system.ts';
import type { System } from '../kit/system.ts';
import { incidents, SHORT } from '../drill/incidents.ts';
import type { Incident, Scene } from '../drill/incidents.ts';
import { renderShortenedRules } from '../drill/shortened-rules.ts';
import { startTraffic } from '../drill/traffic.ts';
import type { Traffic } from '../drill/traffic.ts';
import { startOwnServers } from './own-servers.ts';
import type { OwnServers } from './own-servers.ts';

const NOTIFICATIONS = `
destinations:
  shop: { type: http, url_env: DRILL_URL, secrets_env: DRILL_SECRETS, allow: [127.0.0.1], concurrency: 4, timeout_ms: 1000 }
rules:
  - name: all
    when: [payment.captured]
    to: [shop]
`;
const START_LIMIT_MS = 120_000;
const INCIDENT_LIMIT_MS = 400_000;
const CALM_WITHIN_MS = 120_000;
const SECOND_MS = 1_000;
/** `npm run drill` sets it. */
const isWhole = process.env['DAKIA_DRILL'] === 'all';

let folder = '';
let servers: OwnServers<'KAFKA_BROKERS' | 'DATABASE_URL'>;
let system: System;
let prometheus: TestPrometheus;
let traffic: Traffic;
let receiver: Receiver;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-drill-'));
  const rules = join(folder, 'rules.yaml');
  writeFileSync(rules, renderShortenedRules());
  const told = join(folder, 'notifications.yaml');
  writeFileSync(told, NOTIFICATIONS);
  const key = `whsec_${Buffer.from(newSecret()).toString('base64')}`;
  receiver = await startReceiver();
  servers = await startOwnServers(['KAFKA_BROKERS', 'DATABASE_URL']);
  const opsPort = await freePort();
  system = await startSystem({
    addresses: servers.addresses,
    // The same port after a restart, so that Prometheus finds it again. Retries wait, so that what is parked stays so.
    settings: {
      DAKIA_OPS_PORT: String(opsPort),
      DAKIA_RETRY_DELAYS: '10m,10m',
      DAKIA_NOTIFICATIONS_FILE: told,
      DRILL_URL: receiver.url.href,
      DRILL_SECRETS: key,
    },
  });
  prometheus = await openTestPrometheus([{ name: 'dakia', targets: [`127.0.0.1:${opsPort}`] }], [rules]);
  traffic = startTraffic(system);
}, START_LIMIT_MS);
afterAll(async () => {
  await traffic.stop();
  await prometheus.close();
  await system.close();
  await servers.stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
}, START_LIMIT_MS);

const say = (text: string): void => void process.stdout.write(`  drill: ${text}\n`);
const nameOf = ({ labels }: ActiveAlert): string => labels['alertname'] ?? '';
const firing = async (): Promise<readonly ActiveAlert[]> =>
  (await prometheus.alerts()).filter(({ state }) => state === 'firing');
const pages = async (): Promise<readonly string[]> =>
  (await firing()).filter(({ labels }) => labels['severity'] === 'page').map(nameOf);

const play = async (incident: Incident, scene: Scene): Promise<void> => {
  const { alert, alsoPages = [], firesWithinS, resolvesWithinS } = incident;
  await eventually('no page fires', async () => (await pages()).length === 0, CALM_WITHIN_MS);
  const began = performance.now();
  const others = new Set<string>();
  const seen = async (): Promise<ActiveAlert | undefined> => {
    const all = await firing();
    for (const name of await pages()) if (name !== alert && !alsoPages.includes(name)) others.add(name);
    return all.find((one) => nameOf(one) === alert);
  };
  await incident.happens(scene);
  const fired = await eventually(`${alert} fires`, seen, firesWithinS * SECOND_MS);
  say(
    `${incident.name}: ${alert} after ${((performance.now() - began) / SECOND_MS).toFixed(0)} s: ${fired.annotations['summary'] ?? ''}`,
  );
  await incident.repair(scene);
  await eventually(`${alert} resolves`, async () => (await seen()) === undefined, resolvesWithinS * SECOND_MS);
  expect([...others]).toEqual([]);
};

test.each(
  incidents
    .filter(({ alert }) => isWhole || SHORT.includes(alert))
    .map((incident) => [incident.name, incident] as const),
)(
  '%s: the right alert, no other page, and an end',
  async (_name, incident) => {
    const scene = {
      system,
      traffic,
      receiver,
      kafka: servers.of('KAFKA_BROKERS'),
      postgres: servers.of('DATABASE_URL'),
    };
    await play(incident, scene);
  },
  INCIDENT_LIMIT_MS,
);

test(
  'nothing that was acknowledged is lost',
  async () => {
    traffic.pause();
    expect(await system.drained()).toMatchObject({ ok: true, difference: 0 });
    const kept = new Set(
      (await system.rows<{ id: string }>('SELECT razorpay_event_id AS id FROM webhook_events')).map(({ id }) => id),
    );
    expect(traffic.acknowledged().size).toBeGreaterThan(0);
    expect([...traffic.acknowledged()].filter((id) => !kept.has(id))).toEqual([]);
  },
  INCIDENT_LIMIT_MS,
);
