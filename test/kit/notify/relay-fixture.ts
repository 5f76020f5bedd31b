import { randomBytes } from 'node:crypto';
import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import type { EventName } from '#catalogue';
import { aggregatesOf } from '#families';
import { createLogger } from '#platform/log';
import { createDatabase, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { notifyQueueOf, openQueue } from '#platform/queue';
import type { JobQueue, QueueConfig } from '#platform/queue';
import { createRedis, untilReady } from '#platform/redis';
import { instant } from '#rules';
import { createRelay } from '../../../services/notifier/relay/relay.ts';
import { readRuleFile } from '../../../services/notifier/rules/rule-file.ts';
import type { NotificationRules } from '../../../services/notifier/rules/rules.ts';
import { eventually } from '../eventually.ts';
import { deleteRedisKeys } from '../redis.ts';
import { testServers } from '../servers.ts';
import { openTestStore, testEvent } from '../test-store.ts';
import type { TestStore } from '../test-store.ts';

/** Relays have this long, in ms, to stop. */
const STOP_MS = 10_000;

export const rulesOf = (source: string): NotificationRules => {
  const read = readRuleFile(source, 'rules.yaml');
  if (!read.ok) throw new Error(read.issues.join('\n'));
  return read.value;
};

export interface NotificationRow {
  readonly id: string;
  readonly entity_key: string;
  readonly kind: string;
  readonly destination: string;
  readonly status: string;
  readonly reason: string | null;
  /** Of a reminder. */
  readonly hours: number | null;
}

export interface RelayChoices {
  /** What the listener listens to; the same Postgres without. */
  readonly signalUrl?: string;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly pollEveryMs?: number;
  readonly sweepEveryMs?: number;
}

export interface StartedRelay {
  readonly registry: Registry;
  readonly logged: readonly string[];
  readonly stop: () => Promise<void>;
}

/**
 * A database with a consumer of disputes, a namespace of Redis, and
 * as many relays as the test asks for, under the notifier's role.
 */
export interface RelayFixture {
  readonly store: TestStore;
  /** With the notifier's rights. */
  readonly database: Database;
  readonly relay: (rules: NotificationRules, choices?: RelayChoices) => Promise<StartedRelay>;
  /** Hands an event of a dispute to the consumer. */
  readonly dispute: (
    event: Extract<EventName, `payment.dispute.${string}`>,
    id: string,
    key: string,
    subject?: Readonly<Record<string, unknown>>,
    atS?: number,
  ) => Promise<void>;
  readonly rows: () => Promise<readonly NotificationRow[]>;
  /** Waits until all facts are relayed. */
  readonly relayed: (limitMs?: number) => Promise<void>;
  /** Ids of the jobs of a destination, in any state. */
  readonly jobs: (destination: string) => Promise<readonly string[]>;
  /** Takes every key of this fixture away, as FLUSHALL does. */
  readonly flush: () => Promise<void>;
  /** Moves the relays' clock forward. */
  readonly later: (ms: number) => void;
  readonly close: () => Promise<void>;
}

export const openRelayFixture = async (): Promise<RelayFixture> => {
  const store = await openTestStore('disputes', aggregatesOf('disputes'), { role: roleOf('disputes') });
  const partition = await store.partition('rzp.disputes.v1');
  const database = createDatabase({
    url: store.url,
    poolSize: 2,
    applicationName: 'dakia-test',
    role: roleOf('notifier'),
  });
  const url = testServers().REDIS_URL;
  const config: QueueConfig = {
    redisUrl: () => url,
    redisTlsCaFile: () => undefined,
    queuePrefix: `test-${randomBytes(5).toString('hex')}`,
  };
  const redis = createRedis(config, {});
  redis.on('error', () => undefined);
  await untilReady(redis, STOP_MS);
  const flush = (): Promise<void> => deleteRedisKeys(url, `{${config.queuePrefix}}:`);
  const running: StartedRelay[] = [];
  let aheadMs = 0;

  const relay: RelayFixture['relay'] = async (
    rules,
    { signalUrl = store.url, databaseUrl = store.url, redisUrl = url, ...every } = {},
  ) => {
    const logged: string[] = [];
    const log = createLogger('test', 'debug', { write: (line) => void logged.push(line) });
    const registry = new promClient.Registry();
    const own = createDatabase({
      url: databaseUrl,
      poolSize: 4,
      applicationName: 'dakia-test-relay',
      role: roleOf('notifier'),
      log,
    });
    const queues = new Map<string, JobQueue>(
      [...rules.destinations.keys()].map((name) => [
        name,
        openQueue({ ...config, redisUrl: () => redisUrl }, notifyQueueOf(name), log),
      ]),
    );
    const component = createRelay({
      database: own,
      databaseUrl: signalUrl,
      rules: () => rules,
      queues,
      clock: () => instant(Date.now() + aheadMs),
      log,
      metrics: registry,
      ...every,
    });
    await component.start();
    const started: StartedRelay = {
      registry,
      logged,
      stop: async () => {
        running.splice(running.indexOf(started), 1);
        await component.stop(instant(Date.now() + STOP_MS));
        await Promise.all([...queues.values()].map((queue) => queue.close()));
        await own.close();
      },
    };
    running.push(started);
    return started;
  };

  return {
    store,
    database,
    relay,
    dispute: async (event, id, key, subject = {}, atS) =>
      void (await partition.send(testEvent(event, id, key, subject, ...(atS === undefined ? [] : [atS])))),
    rows: async () =>
      store.rows<NotificationRow>(
        `SELECT id, entity_key, kind, destination, status, reason, (reminder->>'hours')::float8 AS hours
          FROM notifications ORDER BY entity_key, destination, next_attempt_at, id`,
      ),
    relayed: async (limitMs) =>
      void (await eventually(
        'all facts are relayed',
        async () => (await store.rows('SELECT 1 FROM outbox WHERE relayed_at IS NULL LIMIT 1')).length === 0,
        limitMs,
      )),
    jobs: async (destination) => {
      const prefix = `{${config.queuePrefix}}:${notifyQueueOf(destination)}:`;
      return (await redis.keys(`${prefix}ntf_*`)).map((key) => key.slice(prefix.length)).sort();
    },
    flush,
    later: (ms) => void (aheadMs += ms),
    close: async () => {
      await Promise.all([...running].map((started) => started.stop()));
      await flush();
      redis.disconnect();
      await database.close();
      await store.close();
    },
  };
};

/** So rarely that a test which passes did not need it. */
export const NEVER_MS = 600_000;
/** A poll or a sweep that comes soon. */
export const SOON_MS = 100;

/** Rules about disputes, with reminders 72 and 24 hours before the deadline. */
export const DISPUTES = rulesOf(`destinations: {shop: {type: log}, team: {type: log}}
rules:
  - name: disputes
    when: [dispute.opened, dispute.action_required, dispute.won]
    to: team
    reminders: {before: respond_by, hours: [72, 24], while: [open, action_required]}
`);

const HOUR_S = 3_600;
export const inHours = (hours: number): number => Math.round(Date.now() / 1000) + hours * HOUR_S;

export const idsOf = (rows: readonly NotificationRow[], destination: string): readonly string[] =>
  rows
    .filter((row) => row.destination === destination)
    .map(({ id }) => id)
    .sort();
export const brief = ({ kind, hours, status, reason }: NotificationRow): string =>
  [kind, ...(hours === null ? [] : [`${hours}h`]), status, ...(reason === null ? [] : [reason])].join(' ');
export const linesWith = ({ logged }: StartedRelay, text: string): readonly string[] =>
  logged.filter((line) => line.includes(text));
