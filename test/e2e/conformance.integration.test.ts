import { scenarios } from '#simulator';
import type { ConformanceReport } from '#simulator';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem()), 30_000);
afterAll(() => system.close(), 30_000);

/** More than a test has otherwise: some hundred deliveries, on a busy machine. */
const LIMIT_MS = 120_000;
const runnable = scenarios.filter(({ run }) => typeof run === 'function').length;

it(
  'every scenario that a receiver can show is passed, and every event adds up',
  async () => {
    const { code, answer } = await system.dakia('conformance', '--short');
    const report = answer as ConformanceReport;
    expect(report.scenarios.filter(({ result }) => result === 'failed')).toEqual([]);
    expect(report.scenarios.filter(({ result }) => result === 'passed')).toHaveLength(runnable);
    expect([code, report.ok]).toEqual([0, true]);
    expect(await system.drained()).toMatchObject({ ok: true, difference: 0, totals: { quarantined: 0, parked: 0 } });
  },
  LIMIT_MS,
);

it(
  'without its Postgres the answers alone are seen, and the report says so',
  async () => {
    const url = `http://127.0.0.1:${system.environment['DAKIA_WEBHOOK_PORT']}/webhooks/razorpay`;
    const { code, answer } = await system.dakia('conformance', '--short', '--url', url, '--blind');
    const report = answer as ConformanceReport;
    expect(code).toBe(0);
    expect(report.scenarios.filter(({ result }) => result === 'answers only')).toHaveLength(runnable);
    expect(report.summary).toContain('shown by answers only');
  },
  LIMIT_MS,
);

it(
  'a receiver that takes what it must refuse does not pass',
  async () => {
    const url = `http://127.0.0.1:${system.opsPort()}/livez`;
    const { code, answer } = await system.dakia('conformance', '--short', '--url', url, '--blind');
    const report = answer as ConformanceReport;
    expect([code, report.ok]).toEqual([1, false]);
    expect(report.scenarios.filter(({ result }) => result === 'failed')).toHaveLength(runnable);
  },
  LIMIT_MS,
);
