import { atRate } from './http-load.ts';
import { readOptions } from './options.ts';
import { tableOf } from './report.ts';
import type { BenchResult } from './report.ts';
import { median, quantile, rounded, spread } from './statistics.ts';

const full: BenchResult = {
  machine: { cores: 2, cpu: 'Some CPU', node: 'v24.21.0' },
  ingest: { ratio_no_kafka: 0.71, ratio_bare: 0.42, ratio_no_kafka_cpu: 0.73, ratio_bare_cpu: 0.45, cpu_us: 51.2, p50_ms: 8.1, p99_ms: 21, req_per_s: 16_400, spread: 0.08, server_busy: 0.98, generator_core: 0.31 },
  apply: { ratio_raw: 0.52, ratio_raw_1m: 0.55, events_per_s: 7_130, events_per_s_1m: 6_900, cpu_us: 98, batch_events: 210, spread: 0.11 },
  end_to_end: { events_per_s: 3_450, ratio_apply: 0.48, lag_p50_ms: 41, lag_p99_ms: 190, backlog: 2_000 },
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

test('the JSON has the names that scripts rely on', () => {
  const line = JSON.parse(JSON.stringify(full)) as Record<string, Record<string, unknown>>;
  expect(Object.keys(line['ingest'] ?? {})).toEqual(expect.arrayContaining(['ratio_no_kafka', 'ratio_bare', 'cpu_us', 'p50_ms', 'p99_ms']));
  expect(Object.keys(line['apply'] ?? {})).toEqual(expect.arrayContaining(['ratio_raw', 'ratio_raw_1m', 'events_per_s']));
  expect(Object.keys(line['end_to_end'] ?? {})).toEqual(expect.arrayContaining(['events_per_s']));
});

test('the table shows every ratio beside its number, and only what was measured', () => {
  const table = tableOf(full);
  for (const text of ['0.71', '16400/s', '51.2 us', '0.52', '7130 events/s', '0.55', '3450/s', '41 / 190 ms', '2 cores']) expect(table).toContain(text);
  const lines = table.split('\n').slice(2);
  const column = (lines[0] ?? '').indexOf('of the same server');
  expect(lines.every((line) => line.length > column && line.charAt(column - 1) === ' ' && line.charAt(column) !== ' ')).toBe(true);
  const one = tableOf({ machine: full.machine, ...(full.apply && { apply: full.apply }) });
  expect(one).toContain('0.52');
  expect(one).not.toContain('ingest');
});

test('options: all parts by default, an unknown one is an issue', () => {
  expect(readOptions([])).toMatchObject({ ok: true, value: { parts: ['ingest', 'apply', 'end-to-end'], seconds: 10, json: false } });
  expect(readOptions(['--only', 'apply', '--only', 'ingest', '--seconds', '3', '--json'])).toMatchObject({ ok: true, value: { parts: ['ingest', 'apply'], seconds: 3, json: true } });
  for (const args of [['--only', 'replay'], ['--seconds', '0'], ['--seconds', '1.5'], ['--fast'], ['more']]) expect(readOptions(args).ok).toBe(false);
});
