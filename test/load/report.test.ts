import { execFileSync } from 'node:child_process';
import { applyResult } from './apply/measure.ts';
import { cpuOfTree } from './process-usage.ts';
import { loadResult } from './end-to-end/measure.ts';
import { atRate } from './http-load.ts';
import { connectionsResult } from './ingest/few-connections.ts';
import { ingestResult } from './ingest/measure.ts';
import { notifyResult } from './notify/measure.ts';
import { readOptions } from './options.ts';
import { figuresOf, tableOf, verdictOf } from './report.ts';
import type { BenchResult } from './report.ts';
import { runsPage } from './saved-runs.ts';
import { intervalOf, median, quantile, rounded, spread, trimmedIntervalOf } from './statistics.ts';
import { tracesResult } from './traces/measure.ts';
import { warmUp } from './warm-up.ts';

const load = {
  events_per_s: 800,
  cpu_us: 310,
  cpu_us_by_process: { services: 200, postgres: 110 },
  ratio_other_cpu: 0.38,
  spread: 0.1,
  lag_p50_ms: 41,
  lag_p99_ms: 90,
  batch_events: 40,
};
const full: BenchResult = {
  machine: { cores: 2, cpu: 'Some CPU', node: 'v24.21.0' },
  ingest: {
    ratio_no_kafka: 0.71,
    ratio_bare: 0.42,
    ratio_no_kafka_cpu: 0.73,
    ratio_bare_cpu: 0.45,
    cpu_us: 51.2,
    p50_ms: 8.1,
    p99_ms: 21,
    req_per_s: 16_400,
    spread: 0.08,
    spread_cpu: 0.05,
    by_connections: [
      {
        connections: 8,
        req_per_s: 3_100,
        ratio_other: 4.1,
        spread: 0.31,
        cpu_us: { ingest: 250, kafka: 90, client: 80 },
        cpu_us_other: { ingest: 300, client: 80 },
      },
    ],
    light_p50_ms: 1.4,
    light_p99_ms: 3.2,
    light_p50_ms_other: 7.6,
    light_p50_ms_no_kafka: 1.3,
    server_busy: 0.98,
    generator_core: 0.31,
  },
  traces: {
    traced_1: 0.98,
    traced_1_cpu: 0.99,
    traced_1_between: [0.98, 1.01],
    traced_100: 0.86,
    traced_100_cpu: 0.88,
    traced_100_between: [0.87, 0.89],
    spread_traced: 0.03,
    untraced_between: [0.99, 1.01],
    untraced_cpu_us: 410,
  },
  apply: {
    ratio_raw: 0.52,
    ratio_raw_1m: 0.55,
    events_per_s: 7_130,
    events_per_s_1m: 6_900,
    cpu_us: 98,
    batch_events: 210,
    spread: 0.11,
  },
  end_to_end: {
    full: { ...load, events_per_s: 3_450 },
    ratio_apply: 0.48,
    at_rate: [{ rate: 800, ...load, lag_p99_ms: 120 }],
    idle_core: 0.015,
    ratio_start: 0.7,
  },
  notify: {
    ratio_bullmq: 0.57,
    ratio_bullmq_no_post: 0.21,
    per_s: 2_340,
    per_s_default: 1_150,
    bullmq_per_s: 4_120,
    cpu_us: 310,
    bullmq_cpu_us: 160,
    latency_p50_ms: 12,
    latency_p99_ms: 77,
    spread: 0.09,
  },
};

test('the median of an odd number is the one in the middle, of an even number the mean of two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 6])).toBe(5.5);
  expect(median([10])).toBe(10);
  expect(() => median([])).toThrow(RangeError);
});

test('a quantile is a value that was measured, by number and not by text', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)]).toEqual([50, 99, 100]);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([100, 9], 0.5)).toBe(9);
});

test('the spread compares the rounds that lie furthest apart', () => {
  expect(spread([1, 1, 1])).toBe(0);
  expect(spread([0.8, 1, 1.2])).toBeCloseTo(0.4);
  expect(rounded(0.123456)).toBe(0.123);
  expect(rounded(16_432)).toBe(16_400);
});

test('a rate allows what is due and no more', () => {
  const pace = atRate(2_000);
  expect([0, 0.4, 1, 1_000].map((ms) => pace.allowed(ms))).toEqual([1, 1, 3, 2_001]);
  expect(pace.dueMs?.(2_000)).toBe(1_000);
  const slow = atRate(300);
  for (let number = 0; number < 1_000; number++) {
    const due = slow.dueMs?.(number) ?? 0;
    expect([number, slow.allowed(due), slow.allowed(due - 0.01)]).toEqual([number, number + 1, Math.max(number, 0)]);
  }
});

test('ingest: medians of the ratios within each round, under the names that scripts rely on', () => {
  const round = (real: number, noKafka: number, bare: number) => ({
    real: { perSecond: real, cpuMicros: 1e6 / real, busy: 1, generatorCore: 0.2 },
    'no-kafka': { perSecond: noKafka, cpuMicros: 1e6 / noKafka, busy: 1, generatorCore: 0.3 },
    bare: { perSecond: bare, cpuMicros: 1e6 / bare, busy: 1, generatorCore: 0.4 },
  });
  // In the second round everything was ten times slower: no ratio may see that.
  const result = ingestResult([round(8_000, 10_000, 20_000), round(800, 1_000, 2_000), round(9_000, 10_000, 20_000)], {
    latenciesMs: [3, 1, 2, 50],
  });
  expect(result).toMatchObject({
    ratio_no_kafka: 0.8,
    ratio_bare: 0.4,
    ratio_no_kafka_cpu: 0.8,
    ratio_bare_cpu: 0.4,
    cpu_us: 125,
    p50_ms: 2,
    p99_ms: 50,
    req_per_s: 8_000,
    generator_core: 0.4,
  });
  expect(result.spread).toBeCloseTo(0.125);
});

test('connections: the ratio of each round, and CPU per request of ingest, Kafka and the client apart', () => {
  const side = (perSecond: number, ingest: number, kafka?: number) => ({
    perSecond,
    cpu: { ingest, client: 90, ...(kafka !== undefined && { kafka }) },
  });
  expect(
    connectionsResult(8, [
      { real: side(2_000, 300, 80), other: side(1_000, 400, 70) },
      { real: side(200, 310, 90), other: side(100, 410, 75) },
      { real: side(2_100, 305, 85), other: side(1_000, 405, 72) },
    ]),
  ).toEqual({
    connections: 8,
    req_per_s: 2_000,
    ratio_other: 2,
    spread: 0.05,
    cpu_us: { ingest: 305, kafka: 85, client: 90 },
    cpu_us_other: { ingest: 405, kafka: 72, client: 90 },
  });
  expect(connectionsResult(8, [{ real: side(2_000, 300) }])).toEqual({
    connections: 8,
    req_per_s: 2_000,
    cpu_us: { ingest: 300, client: 90 },
  });
});

test('apply: the share of a raw insert, with empty and with large tables, under the names that scripts rely on', () => {
  const round = (seconds: number, rawSeconds: number) => ({
    outcome: {
      seconds,
      cpuMicros: 50_000,
      batches: Array.from({ length: 4 }, () => ({ topic: 't', partition: 0, firstOffset: 0, nextOffset: 250 })),
    },
    rawSeconds,
  });
  const result = applyResult(1_000, [round(2, 1), round(20, 10), round(2, 1)], [round(4, 3), round(4, 3)]);
  expect(result).toEqual({
    ratio_raw: 0.5,
    ratio_raw_1m: 0.75,
    events_per_s: 500,
    events_per_s_1m: 250,
    cpu_us: 50,
    batch_events: 250,
    spread: 0,
  });
});

test('notify: medians of the ratios within each round, under the names that scripts rely on', () => {
  const round = (seconds: number, plainSeconds: number) => ({
    dakia: { seconds, cpuMicros: 400_000 },
    plain: { seconds: plainSeconds, cpuMicros: 150_000 },
    noPost: { seconds: plainSeconds / 2, cpuMicros: 80_000 },
    default: { seconds: seconds * 2, cpuMicros: 500_000 },
  });
  // In the second round everything was ten times slower: no ratio may see that.
  const result = notifyResult(1_000, [round(2, 1), round(20, 10), round(2, 1.2)], [7, 31]);
  expect(result).toEqual({
    ratio_bullmq: 0.5,
    ratio_bullmq_no_post: 0.25,
    per_s: 500,
    per_s_default: 250,
    bullmq_per_s: 833,
    cpu_us: 400,
    bullmq_cpu_us: 150,
    latency_p50_ms: 7,
    latency_p99_ms: 31,
    spread: 0.2,
  });
});

test('the table shows every figure, whether its goal is met, and only what was measured', () => {
  const lines = tableOf(full).split('\n').slice(2);
  const line = (name: string): string => lines.find((text) => text.trim().startsWith(name)) ?? '';
  expect(line('ingest without Kafka / ingest, CPU')).toMatch(/ 0\.73 +missed \(>= 0\.9\) +51\.2 us/);
  expect(line('ingest, answer under light load')).toMatch(/ 1\.4 ms +met \(<= 2\) .*the other commit's p50 7\.6 ms/);
  expect(line('end to end, 800/s, CPU / the other commit')).toMatch(
    / 0\.38 +met \(<= 0\.4\) .*services 200, postgres 110/,
  );
  expect(line('end to end, 800/s, lag p99')).toMatch(/ 120 ms +missed \(<= 100\)/);
  expect(line('HTTP to Postgres')).toContain('3450/s');
  const one = tableOf({ machine: full.machine, ...(full.apply && { apply: full.apply }) });
  expect(one).toContain('0.52');
  expect(one).not.toContain('ingest');
  expect(line('ingest without traces')).toMatch(/ 0\.99 +met \(>= 0\.97\) +95 %: 0\.98 to 1\.01; by req\/s 0\.98/);
});

test('rounds that lie too far apart give no verdict', () => {
  const figure = { name: 'x', value: 5, goal: { least: 4 }, note: '' };
  expect(verdictOf({ ...figure, spread: 0.25 })).toBe('met (>= 4)');
  expect(verdictOf({ ...figure, spread: 0.26 })).toBe('no verdict: rounds differ by 26 %');
  expect(tableOf(full)).toMatch(/ingest, 8 connections .*no verdict: rounds differ by 31 %/);
});

test('an interval gives a verdict only where the goal is on one side of it', () => {
  const figure = { name: 'x', value: 0.98, goal: { least: 0.97 }, spread: 0.02, note: '' };
  expect(verdictOf({ ...figure, between: [0.971, 0.99] })).toBe('met (>= 0.97)');
  expect(verdictOf({ ...figure, between: [0.96, 1] })).toBe('no verdict: between 0.96 and 1 (>= 0.97)');
  expect(verdictOf({ ...figure, value: 0.95, between: [0.93, 0.969] })).toBe('missed (>= 0.97)');
  expect(verdictOf({ ...figure, value: 3, goal: { most: 4 }, between: [2, 5] })).toMatch(/^no verdict/);
});

test('traces: each round is compared with itself, and one that was slow for both is no difference', () => {
  const round = (micros: number, share: number) => ({
    untraced: { seconds: 1, cpuMicros: micros * 1_000, sendingMicros: 100 },
    side: { seconds: 1 / share, cpuMicros: (micros * 1_000) / share, sendingMicros: 1_100 },
  });
  const result = tracesResult({
    again: [round(60, 1.01), round(600, 0.99), round(60, 1)],
    'traced-1': [round(60, 0.98), round(600, 0.99), round(60, 0.97)],
    'traced-100': [round(60, 0.7), round(600, 0.7)],
  });
  expect(result).toMatchObject({
    traced_1: 0.98,
    traced_1_cpu: 0.98,
    traced_100_cpu: 0.7,
    traced_100_between: [0.7, 0.7],
    // 60, 600 and 60 us in 1,000 requests each.
    untraced_cpu_us: 240,
    sending_1_us: 1,
  });
  expect(result.traced_1_between).toEqual([0.955, 1.01]);
  expect(result.untraced_between).toEqual([0.975, 1.03]);
});

test('traces: the figure of a run that was saved when they were a part of ingest is still shown', () => {
  const { traces, ingest, ...others } = full;
  if (traces === undefined || ingest === undefined) throw new Error('both are above');
  const { traced_1_between: _, ...saved } = traces;
  const name = 'ingest without traces / with 1 % traced, CPU';
  expect(figuresOf({ ...others, ingest: { ...ingest, ...saved } }).map((figure) => figure.name)).toContain(name);
  expect(figuresOf({ ...others, ingest }).map((figure) => figure.name)).not.toContain(name);
});

test('a warm-up ends when the rate stops rising, and at the latest after a bound', async () => {
  const rates = (values: readonly number[]) => {
    let step = 0;
    return async () => values[Math.min(step++, values.length - 1)] ?? 0;
  };
  expect(await warmUp(rates([100, 200, 400, 405, 401, 800]))).toBe(5);
  let rate = 1;
  expect(await warmUp(async () => (rate *= 2))).toBe(20);
});

test('end to end: medians of ratios within each round', () => {
  const one = (cpu: number, lag: number) => ({
    answered: 1_000,
    appliedPerSecond: 500,
    cpu: { services: cpu * 600, postgres: cpu * 400 },
    since: new Date(0),
    lag: [lag / 2, lag] as const,
    batchEvents: 10,
  });
  // In the second round everything was ten times slower: no ratio may see that.
  const result = loadResult([
    { this: one(200, 50), other: one(400, 500) },
    { this: one(2_000, 60), other: one(4_000, 5_000) },
    { this: one(200, 40), other: one(400, 400) },
  ]);
  expect(result).toMatchObject({ cpu_us: 200, ratio_other_cpu: 0.5, spread: 0, lag_p99_ms: 50, lag_p99_ms_other: 500 });
  expect(result.cpu_us_by_process).toEqual({ services: 120, postgres: 80 });
});

test('CPU of a process counts its children', async () => {
  const before = cpuOfTree(process.pid);
  execFileSync(process.execPath, [
    '-e',
    'const end = process.cpuUsage().user + 300000; while (process.cpuUsage().user < end);',
  ]);
  expect(cpuOfTree(process.pid) - before).toBeGreaterThanOrEqual(300_000);
  expect(cpuOfTree(2 ** 22 + 1)).toBe(0);
});

test('of the saved runs the three newest are shown, the newest first', () => {
  const runs = ['aaa', 'bbb', 'ccc', 'ddd'].map((commit) => ({
    ...full,
    date: '2026-11-28',
    commit,
    against: 'caed117',
  }));
  const page = runsPage(runs);
  expect([...page.matchAll(/^### 2026-11-28, (\w+), beside caed117$/gm)].map(([, commit]) => commit)).toEqual([
    'ddd',
    'ccc',
    'bbb',
  ]);
  expect(page).toContain('| end to end, 800/s, CPU / the other commit | 0.38 | met (<= 0.4) | 0.10 | 310 us');
  expect(runsPage([])).toBe('');
});

test('options: all parts by default, an unknown one is an issue', () => {
  expect(readOptions([])).toMatchObject({
    ok: true,
    value: {
      parts: ['ingest', 'traces', 'apply', 'end-to-end', 'notify', 'hostile', 'scrape'],
      seconds: 10,
      json: false,
      save: false,
    },
  });
  expect(
    readOptions(['--only', 'apply', '--only', 'ingest', '--seconds', '3', '--json', '--against', 'abc', '--save']),
  ).toMatchObject({
    ok: true,
    value: { parts: ['ingest', 'apply'], seconds: 3, json: true, against: 'abc', save: true },
  });
  for (const args of [['--only', 'replay'], ['--seconds', '0'], ['--seconds', '1.5'], ['--fast'], ['more']])
    expect(readOptions(args).ok).toBe(false);
});

test('the interval of pairs is around their geometric mean, and narrower the more and the closer they are', () => {
  const { middle, low, high } = intervalOf([0.5, 2]);
  expect(middle).toBeCloseTo(1);
  expect(low * high).toBeCloseTo(1);
  const close = intervalOf([0.98, 1, 1.02, 0.99, 1.01]);
  // By hand: the logs' standard deviation is 0.01582, their mean -0.0001, t is 2.78.
  expect(close.low).toBeCloseTo(0.9803, 3);
  expect(close.high).toBeCloseTo(1.0197, 3);
  expect(high - low).toBeGreaterThan(close.high - close.low);
  expect(() => intervalOf([1])).toThrow('less than two pairs');
});

test('where some of many ratios were disturbed, the interval is that of the middle ones', () => {
  const ratios = Array.from({ length: 20 }, (_, index) => 0.98 + (index % 5) * 0.005);
  const calm = trimmedIntervalOf(ratios);
  const disturbed = trimmedIntervalOf([...ratios.slice(0, 17), 3, 4, 5]);
  expect(calm.middle).toBeCloseTo(0.99, 3);
  expect(disturbed.middle).toBeCloseTo(0.99, 1);
  expect(disturbed.high).toBeLessThan(1.02);
  expect(intervalOf([...ratios.slice(0, 17), 3, 4, 5]).high).toBeGreaterThan(1.3);
  // By hand, of the logs 0, 1, 2, 3 and 4 hundredths: 1, 2 and 3 are left, those beside them stand for the others.
  const { middle, low, high } = trimmedIntervalOf([0, 1, 2, 3, 4].map((hundredths) => Math.exp(hundredths / 100)));
  expect(Math.log(middle)).toBeCloseTo(0.02, 6);
  // The squares sum up to 4 (1/100)^2, of three values: 4.3 times the root of 4 / (3 * 2), in hundredths.
  expect(Math.log(high) - Math.log(middle)).toBeCloseTo(0.0351, 4);
  expect(Math.log(middle) - Math.log(low)).toBeCloseTo(0.0351, 4);
  expect(() => trimmedIntervalOf([1])).toThrow('less than two pairs');
});
