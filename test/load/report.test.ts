import { applyResult } from './apply/measure.ts';
import { atRate } from './http-load.ts';
import { ingestResult } from './ingest/measure.ts';
import { notifyResult } from './notify/measure.ts';
import { readOptions } from './options.ts';
import { tableOf } from './report.ts';
import type { BenchResult } from './report.ts';
import { median, quantile, rounded, spread } from './statistics.ts';

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
    server_busy: 0.98,
    generator_core: 0.31,
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
    events_per_s: 3_450,
    ratio_apply: 0.48,
    lag_p50_ms: 41,
    lag_p99_ms: 190,
    batch_events: 40,
    backlog: 2_000,
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
  expect([0, 0.4, 1, 1_000].map((ms) => pace.allowed(ms))).toEqual([0, 0, 2, 2_000]);
  expect(pace.dueMs?.(2_000)).toBe(1_000);
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

test('the table shows every ratio beside its number, and only what was measured', () => {
  const table = tableOf(full);
  for (const text of [
    '0.71',
    '16400/s',
    '51.2 us',
    '0.52',
    '7130 events/s',
    '0.55',
    '3450/s',
    '41 / 190 ms',
    '0.57',
    '2340 of 4120/s',
    '1150/s',
    '0.21',
    '12 / 77 ms',
    '2 cores',
  ])
    expect(table).toContain(text);
  const lines = table.split('\n').slice(2);
  const column = (lines[0] ?? '').indexOf('of the same server');
  expect(
    lines.every((line) => line.length > column && line.charAt(column - 1) === ' ' && line.charAt(column) !== ' '),
  ).toBe(true);
  const one = tableOf({ machine: full.machine, ...(full.apply && { apply: full.apply }) });
  expect(one).toContain('0.52');
  expect(one).not.toContain('ingest');
});

test('options: all parts by default, an unknown one is an issue', () => {
  expect(readOptions([])).toMatchObject({
    ok: true,
    value: { parts: ['ingest', 'apply', 'end-to-end', 'notify'], seconds: 10, json: false },
  });
  expect(readOptions(['--only', 'apply', '--only', 'ingest', '--seconds', '3', '--json'])).toMatchObject({
    ok: true,
    value: { parts: ['ingest', 'apply'], seconds: 3, json: true },
  });
  for (const args of [['--only', 'replay'], ['--seconds', '0'], ['--seconds', '1.5'], ['--fast'], ['more']])
    expect(readOptions(args).ok).toBe(false);
});
