import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { FactKind } from '#catalogue';
import { queueSettings, readConfig, redisSettings } from '#platform/config';
import { getQueueStats, notifyQueueOf } from '#platform/queue';
import { startServices } from '#platform/service';
import type { RunningServices } from '#platform/service';
import { instant } from '#rules';
import { notifierOf } from '../../../services/notifier/service.ts';
import { createTestDatabase } from '../databases.ts';
import { eventually } from '../eventually.ts';
import { testServers } from '../servers.ts';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** A row of `notifications` as tests look at it. */
export interface ToldRow {
  readonly id: string;
  readonly entity_key: string;
  readonly kind: string;
  readonly destination: string;
  readonly status: string;
  readonly attempts: number;
  readonly response: string | null;
  readonly reason: string | null;
  readonly hours: number | null;
  readonly next_attempt_at: Date;
}

/** What a domain service would leave: the state of an entity, and the facts that it became true. */
export interface Happening {
  readonly kind: FactKind;
  readonly key: string;
  readonly status: string;
  readonly respondBy?: Date;
  readonly occurrence?: string;
}

/** A notifier of its own: its database, its namespace of Redis, its file of rules; the receivers are the test's. */
export interface TestNotifier {
  readonly environment: Readonly<Record<string, string>>;
  readonly queuePrefix: string;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** From the next start on. */
  readonly rewrite: (rules: string) => void;
  /**
   * Moves its clock forward; jobs in Redis go by the real one, so
   * what has become due is found by the sweep of the next start.
   */
  readonly later: (ms: number) => void;
  /** Writes facts and the rows they are about in one transaction, as consumers do, and sends no signal. */
  readonly happen: (happenings: readonly Happening[]) => Promise<void>;
  readonly rows: <Row>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  readonly notifications: () => Promise<readonly ToldRow[]>;
  /** Waits until the notifications are as asked, and answers with them. */
  readonly until: (
    what: string,
    met: (rows: readonly ToldRow[]) => boolean,
    limitMs?: number,
  ) => Promise<readonly ToldRow[]>;
  /** Waits until so many jobs of a destination wait or run. */
  readonly queued: (destination: string, jobs: number, limitMs: number) => Promise<void>;
  readonly logged: () => readonly string[];
  readonly metrics: () => Promise<string>;
  readonly close: () => Promise<void>;
}

const WITHIN_MS = 20_000;

/** `rules`: the text of the file. `environment`: what it takes from there. */
export const createTestNotifier = async (
  rules: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<TestNotifier> => {
  const database = await createTestDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'dakia-notifier-'));
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, rules);
  const queuePrefix = `test-${randomBytes(5).toString('hex')}`;
  // Of one connection, which is made anew where the test has taken it away together with its database.
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  pool.on('error', () => undefined);
  const settings = {
    ...testServers(),
    DATABASE_URL: database.url,
    DAKIA_QUEUE_PREFIX: queuePrefix,
    DAKIA_NOTIFICATIONS_FILE: file,
    DAKIA_OPS_HOST: '127.0.0.1',
    DAKIA_OPS_PORT: '0',
    DAKIA_DRAIN_MS: '5000',
    ...environment,
  };
  const logged: string[] = [];
  const config = readConfig({ ...redisSettings, ...queueSettings }, settings);
  if (!config.ok) throw new Error(config.issues.join('\n'));
  let running: RunningServices | undefined;
  let aheadMs = 0;
  const service = notifierOf(() => instant(Date.now() + aheadMs));

  const rows: TestNotifier['rows'] = async <Row>(sql: string, values: readonly unknown[] = []) =>
    (await pool.query({ text: sql, values: [...values] })).rows as Row[];
  const notifications = (): Promise<readonly ToldRow[]> =>
    rows<ToldRow>(
      `SELECT id, entity_key, kind, destination, status, attempts, response, reason,
        (reminder->>'hours')::float8 AS hours, next_attempt_at FROM notifications
        ORDER BY entity_key, destination, fact_id, next_attempt_at`,
    );
  const stop = async (): Promise<void> => {
    const stopping = running;
    running = undefined;
    if (stopping !== undefined && !(await stopping.stop()))
      throw new Error(`the notifier did not stop cleanly\n${logged.join('')}`);
  };
  return {
    environment: settings,
    queuePrefix,
    start: async () => {
      const started = await startServices('notifier', [service], settings, { write: (line) => void logged.push(line) });
      if (!started.ok) throw new Error(started.issues.join('\n'));
      running = started.value;
    },
    stop,
    rewrite: (text) => writeFileSync(file, text),
    later: (ms) => void (aheadMs += ms),
    happen: async (happenings) => {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        for (const family of ['disputes', 'payments'] as const) {
          const those = happenings.filter(({ kind }) =>
            kind.startsWith(family === 'disputes' ? 'dispute.' : 'payment.'),
          );
          await client.query(UPSERTS[family], [
            those.map(({ key }) => key),
            those.map(({ status }) => status),
            those.map(({ respondBy }) => respondBy ?? null),
          ]);
        }
        await client.query(FACTS, [
          happenings.map(({ kind }) => kind),
          happenings.map(({ key }) => key),
          happenings.map(({ occurrence }) => occurrence ?? ''),
        ]);
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    },
    rows,
    notifications,
    until: (what, met, limitMs = WITHIN_MS) =>
      eventually(
        what,
        async () => {
          const found = await notifications();
          if (met(found)) return found;
          throw new Error(JSON.stringify(found.slice(0, 20)));
        },
        limitMs,
      ),
    queued: async (destination, jobs, limitMs) => {
      await eventually(
        `${jobs} jobs for ${destination}`,
        async () => {
          const [stats] = await getQueueStats(config.value, [notifyQueueOf(destination)]);
          if (stats !== undefined && stats.prioritized + stats.waiting + stats.active === jobs) return true;
          throw new Error(JSON.stringify(stats));
        },
        limitMs,
      );
    },
    logged: () => logged,
    metrics: async () => (await fetch(`http://127.0.0.1:${running?.opsPort() ?? 0}/metrics`)).text(),
    close: async () => {
      await stop();
      await pool.end();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Canaries stand in the columns about persons. */
const UPSERTS = {
  disputes: `INSERT INTO payment_disputes (dispute_id, status, payment_id, phase, amount_minor, currency, respond_by,
    evidence, merge_record)
    SELECT key, status, 'pay_of_' || key, 'chargeback', 12345600, 'INR', respond_by, '{"note": "canary-evidence"}', '{}'
      FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS given (key, status, respond_by)
    ON CONFLICT (dispute_id) DO UPDATE SET status = EXCLUDED.status, respond_by = EXCLUDED.respond_by`,
  payments: `INSERT INTO payment_transactions (payment_id, status, method, amount_minor, currency, email, contact,
    merge_record)
    SELECT key, status, 'upi', 50000, 'INR', 'canary.person@example.com', '+919876500000', '{}'
      FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS given (key, status, ignored)
    ON CONFLICT (payment_id) DO UPDATE SET status = EXCLUDED.status`,
} as const;
const FACTS = `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
  SELECT kind, family || ':' || key || ':' || kind || ':' || occurrence, family, key, jsonb_build_object('eventId',
    'evt_' || key, 'entityId', key, 'endpoint', 'default')
    FROM (SELECT kind, key, occurrence, CASE WHEN kind LIKE 'dispute.%' THEN 'disputes' ELSE 'payments' END AS family
            FROM unnest($1::text[], $2::text[], $3::text[]) AS given (kind, key, occurrence)) AS told`;
