import { DEFAULT_RETRY_DELAYS_MS } from '#apply';
import { readConfig } from '#platform/config';
import { readDelays, retryPolicyOf, retrySettings } from './settings.ts';

const read = (environment: Readonly<Record<string, string>>) => readConfig(retrySettings, environment);

test.each([
  ['5s,30s,2m,10m,1h,6h', DEFAULT_RETRY_DELAYS_MS],
  ['200ms', [200]],
  [' 1s , 720h ', [1_000, 2_592_000_000]],
])('%p are waits', (value, expected) => {
  expect(readDelays(value)).toEqual({ ok: true, value: expected });
});

test.each([
  ['5', '"5"'],
  ['5s,', '""'],
  ['5s;30s', '"5s;30s"'],
  ['0s', '"0s"'],
  ['-1s', '"-1s"'],
  ['1.5s', '"1.5s"'],
  ['721h', '"721h"'],
  ['1d', '"1d"'],
  [Array(51).fill('1s').join(','), '51 waits'],
])('%p is refused by the name of its setting', (value, part) => {
  expect(read({ DAKIA_RETRY_DELAYS: value })).toEqual({
    ok: false,
    issues: [expect.stringMatching(/^DAKIA_RETRY_DELAYS: has /)],
  });
  expect(read({ DAKIA_RETRY_DELAYS: value })).toEqual({ ok: false, issues: [expect.stringContaining(part)] });
});

test('without a setting the schedule is that of the store, and four keys are woken at once', () => {
  const config = read({});
  if (!config.ok) throw new Error(config.issues.join());
  expect(retryPolicyOf(config.value)).toEqual({ delaysMs: DEFAULT_RETRY_DELAYS_MS });
  expect(config.value).toEqual({ retryDelays: '5s,30s,2m,10m,1h,6h', retryConcurrency: 4 });
});
