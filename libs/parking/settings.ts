import { DEFAULT_RETRY_DELAYS_MS } from '#apply';
import type { RetryPolicy } from '#apply';
import { setting, text, whole } from '#platform/config';
import { readDuration, writeDuration } from '#platform/time';
import type { DurationUnit } from '#platform/time';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

const UNITS: readonly DurationUnit[] = ['h', 'm', 's', 'ms'];
/** Further attempts at most, and the longest wait between two: beyond that nobody waits for a machine. */
const DELAYS_MAX = 50;
const DELAY_MS_MAX = 720 * 3_600_000;
const EXAMPLE = '5s,30s,2m,10m,1h,6h';

/** Reads waits such as `5s,30s,2m`, separated by commas, as ms. */
export const readDelays = (value: string): Parsed<readonly number[]> => {
  const items = value.split(',').map((item) => item.trim());
  if (items.length > DELAYS_MAX) return unparsed(`has ${items.length} waits; give at most ${DELAYS_MAX}`);
  const delays: number[] = [];
  for (const item of items) {
    const delay = readDuration(item, UNITS, DELAY_MS_MAX);
    if (delay === undefined) {
      const bounds = `1ms to ${writeDuration(DELAY_MS_MAX, UNITS)} with ms, s, m or h`;
      return unparsed(
        `has the wait ${JSON.stringify(item)}; give waits of ${bounds}, separated by commas, such as ${EXAMPLE}`,
      );
    }
    delays.push(delay);
  }
  return parsed(delays);
};

const delaysIssue = (value: unknown): string => {
  const read = readDelays(String(value));
  return read.ok ? '' : read.issues.join('; ');
};

/** When an event that cannot be applied is tried again. Also read by the commands that release what waits. */
export const retryPolicySettings = {
  retryDelays: setting(
    'DAKIA_RETRY_DELAYS',
    text(DEFAULT_RETRY_DELAYS_MS.map((ms) => writeDuration(ms, UNITS)).join(',')).refine(
      (value) => readDelays(value).ok,
      {
        error: ({ input }) => delaysIssue(input),
      },
    ),
    'Waits before an event that could not be applied is tried again, each with ms, s, m or h, separated by ' +
      'commas; after the last one it becomes a dead letter. Chance makes each up to a fifth shorter or longer.',
  ),
} as const;

/**
 * Keys that one process wakes at once. A key holds its partition for
 * a moment, so that more than there are partitions gains nothing.
 */
const CONCURRENCY_DEFAULT = 4;
const CONCURRENCY_MAX = 100;

export const retrySettings = {
  ...retryPolicySettings,
  retryConcurrency: setting(
    'DAKIA_RETRY_CONCURRENCY',
    whole(CONCURRENCY_DEFAULT, 1, CONCURRENCY_MAX),
    'Entities whose waiting events one service process tries again at once; each takes a connection to Postgres ' +
      'meanwhile. `npm start` sets 2 where nothing is set.',
  ),
} as const;

/** The schedule of a configuration that was read with these settings. */
export const retryPolicyOf = ({ retryDelays }: { readonly retryDelays: string }): RetryPolicy => {
  const delays = readDelays(retryDelays);
  if (!delays.ok) throw new TypeError(`DAKIA_RETRY_DELAYS: ${delays.issues.join('; ')}`);
  return { delaysMs: delays.value };
};
