import { dispositions } from '#rules';

/**
 * Every field that a log line may have: ids, names, counts, times and reasons. Any other
 * is shown by its name alone, so that a body, a header or a secret that somebody logs by
 * mistake is not seen. To log more, add its name here, and think of what it can hold.
 */
const FLAT = [
  // What a line is about.
  ...[
    'program',
    'service',
    'component',
    'code',
    'type',
    'at',
    'reason',
    'problem',
    'issues',
    'status',
    'outcome',
    'rule',
  ],
  ...[
    'eventId',
    'eventIds',
    'claimedId',
    'event',
    'family',
    'key',
    'traceId',
    'endpoint',
    'fact',
    'notification',
    'destination',
    'reminders',
  ],
  // Places.
  ...[
    'topic',
    'topics',
    'partition',
    'partitions',
    'offset',
    'firstOffset',
    'position',
    'ledger',
    'fetched',
    'group',
    'groupId',
  ],
  ...[
    'broker',
    'queue',
    'job',
    'redis',
    'host',
    'port',
    'opsPort',
    'services',
    'missing',
    'signal',
    'logLevel',
    'until',
  ],
  // How much, how often, how long (in the unit that its name ends with).
  ...[...dispositions, 'skipped', 'events', 'facts', 'notifications'],
  ...[
    'letters',
    'keys',
    'count',
    'bytes',
    'tries',
    'attempt',
    'attempts',
    'misses',
    'more',
    'repeated',
    'replacements',
    'sequence',
  ],
  ...['againInMs', 'slowestMs', 'ms', 'cpuMs', 'next', 'hoursBefore', 'clean', 'warnings'],
] as const;
/** Those whose parts are known: a reduced error, settings as they may be shown, numbers by name. */
const NESTED = ['err', 'settings', 'waiting', 'endpoints'] as const;

const flat: ReadonlySet<string> = new Set(FLAT);
const nested: ReadonlySet<string> = new Set(NESTED);

/** Of a field that is not in the list, or whose value has parts that nobody has thought of. */
export const UNLISTED = '[not a field of the log]';
/** Longest text of a field; reasons are kept whole in Postgres. */
const TEXT_MAX = 1_000;

export const onlyListed = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) shown[name] = shownOf(name, value);
  return shown;
};

const shownOf = (name: string, value: unknown): unknown => {
  if (nested.has(name)) return value;
  if (!flat.has(name)) return UNLISTED;
  return Array.isArray(value) ? value.map(scalar) : scalar(value);
};

const scalar = (value: unknown): unknown => {
  if (typeof value === 'string') return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
  return typeof value === 'object' && value !== null ? UNLISTED : value;
};
