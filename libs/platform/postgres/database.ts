import pg from 'pg';
import type { ClientBase, ClientConfig, PoolClient } from 'pg';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import { arrayLiteral } from './array-literal.ts';
import { endsSession } from './error-class.ts';
import { createHosts } from './hosts.ts';
import type { DatabaseUrl, Hosts } from './hosts.ts';
import { reportPool } from './reports.ts';
import { sent } from './sent.ts';
import type { Statement } from './statement.ts';

export interface Transaction {
  /** Statements may be sent without waiting for the one before: they are answered in order. */
  readonly query: <Row>(sql: Statement, values?: readonly unknown[]) => Promise<readonly Row[]>;
}

export interface Database extends Transaction {
  /** Commits when `work` is done, rolls back when it throws. A lost connection throws; nothing is left half done. */
  readonly transaction: <Value>(work: (tx: Transaction) => Promise<Value>) => Promise<Value>;
  readonly close: () => Promise<void>;
}

export interface DatabaseOptions {
  readonly url: DatabaseUrl;
  /** Connections at most. */
  readonly poolSize: number;
  /** Shown in pg_stat_activity; without `dakia-` also the label `pool` of its metrics. */
  readonly applicationName: string;
  readonly metrics?: Registry;
  /**
   * The role whose rights bound this pool; the login user must be a
   * member of it. Without one: the login user's own rights.
   */
  readonly role?: string;
  readonly log?: Pick<Logger, 'warn'>;
  /** Longest time in ms for one statement; maintenance needs more than a batch. */
  readonly statementTimeoutMs?: number;
}

/**
 * A connection that is not used for so long is closed, in ms. Longer than the pauses between periodic looks, which
 * would open one anew each time: logging in costs both sides thousands of rounds of SHA-256 (SCRAM).
 */
const IDLE_CONNECTION_MS = 120_000;
/** Longest time for a connection to stand. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A batch takes milliseconds; what takes this long is stuck, and the consumer's retry is the better wait. */
const STATEMENT_TIMEOUT_MS = 30_000;
/**
 * Maintenance has a pool of its own: making room, and reading an old partition, may take longer than any batch, in ms.
 */
export const MAINTENANCE_TIMEOUT_MS = 600_000;
const LOCK_TIMEOUT_MS = 15_000;
/** A frozen owner of a partition must not hold its ledger row for ever. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;
/** Beyond the server's own limit: only a server that is frozen or gone is later than this. */
const ANSWER_MARGIN_MS = 5_000;

const INT8_OID = 20;
const ROLE_NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** `bigint` columns as numbers where a double is exact, else as BigInt. */
const readInt8 = (text: string): number | bigint => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
};

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID && format !== 'binary'
      ? readInt8
      : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser,
};

/**
 * The URL with the session settings that our statements rely on. Statements find rows by key,
 * for arrays of keys, so that one generic plan is right; planning each time would cost more than
 * running, because webhook_events has a partition per day. A plan made while a table was empty
 * must not read the whole table once it has grown: no sequential scans where there is an index.
 */
export const withSessionSettings = (url: string, role: string | undefined): string => {
  if (role !== undefined && !ROLE_NAME.test(role))
    throw new Error(`${JSON.stringify(role)} cannot be a role of Postgres`);
  const target = new URL(url);
  const given = target.searchParams.get('options');
  const settings = [
    '-c plan_cache_mode=force_generic_plan',
    '-c enable_seqscan=off',
    '-c jit=off',
    ...(role === undefined ? [] : [`-c role=${role}`]),
  ];
  target.searchParams.set('options', [...(given === null ? [] : [given]), ...settings].join(' '));
  return target.href;
};

const openPool = (
  hosts: Hosts,
  sessions: ReturnType<typeof createSessions>,
  { poolSize, applicationName, log, statementTimeoutMs = STATEMENT_TIMEOUT_MS }: DatabaseOptions,
): pg.Pool => {
  /** The pool waits for the answer, which its types do not say. */
  const onConnect = (client: ClientBase): unknown => {
    sessions.opened(client);
    return hosts.check(client);
  };
  const pool = new pg.Pool({
    // Where a connection goes is decided when it is opened.
    Client: class extends pg.Client {
      constructor(config?: ClientConfig) {
        super({ ...config, connectionString: hosts.url() });
      }
    },
    onConnect,
    max: poolSize,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    statement_timeout: statementTimeoutMs,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    query_timeout: statementTimeoutMs + ANSWER_MARGIN_MS,
    keepAlive: true,
    pipeline: true,
    types,
  });
  const onLost = (error: Error): void => log?.warn({ err: error }, 'a connection to Postgres was lost');
  // The pool listens to idle connections only; one that is lost
  // between two statements of a transaction would end the process.
  pool.on('connect', (client) => client.on('error', onLost));
  pool.on('error', () => undefined);
  return pool;
};

/**
 * A pool of connections with bounds on every wait. A lost Postgres is
 * logged and thrown to whoever asks; it ends no process.
 */
export const createDatabase = (options: DatabaseOptions): Database => {
  const { url, poolSize, role } = options;
  const hosts = createHosts(url, (one) => withSessionSettings(one, role));
  const sessions = createSessions();
  const pool = openPool(hosts, sessions, options);
  if (options.metrics !== undefined)
    reportPool(options.metrics, options.applicationName.replace(/^dakia-/, ''), pool, poolSize);

  const connect = async (): Promise<PoolClient> => {
    for (let tries = 1; ; tries += 1) {
      const index = hosts.current();
      try {
        return await pool.connect();
      } catch (error) {
        if (endsSession(error)) hosts.failed(index);
        if (tries >= hosts.count()) throw error;
      }
    }
  };

  /**
   * Runs work on a connection. One that has shown that it is of no
   * more use is closed, and all that were opened before with it.
   */
  const using = async <Value>(work: (client: PoolClient) => Promise<Value>): Promise<Value> => {
    let client = await connect();
    for (let stale = 0; stale < poolSize && !sessions.isCurrent(client); stale += 1) {
      client.release(true);
      client = await connect();
    }
    const index = hosts.current();
    try {
      return await work(client);
    } catch (error) {
      if (endsSession(error) && sessions.isCurrent(client)) {
        sessions.suspectAll();
        hosts.failed(index);
      }
      throw error;
    } finally {
      client.release(!sessions.isCurrent(client));
    }
  };

  return {
    query: async <Row>(sql: Statement, values: readonly unknown[] = []) =>
      using(async (client) => (await sent(client, { ...sql, values: wired(values) })).rows as Row[]),
    transaction: async (work) =>
      using(async (client) => {
        try {
          return await inTransaction(client, work);
        } catch (error) {
          if (!(await rolledBack(client))) sessions.close(client);
          throw error;
        }
      }),
    close: async () => pool.end(),
  };
};

/** Which connections are still trusted: those that were opened since one of them was last found to lead nowhere. */
const createSessions = () => {
  let current = 0;
  const generations = new WeakMap<object, number>();
  return {
    opened: (client: object) => void generations.set(client, current),
    isCurrent: (client: object) => generations.get(client) === current,
    suspectAll: () => void (current += 1),
    close: (client: object) => void generations.delete(client),
  };
};

const wired = (values: readonly unknown[]): unknown[] =>
  values.map((value) => (Array.isArray(value) ? arrayLiteral(value) : value));

const inTransaction = async <Value>(client: PoolClient, work: (tx: Transaction) => Promise<Value>): Promise<Value> => {
  const begun = sent(client, { text: 'BEGIN' });
  // Sent together with the first statement; when it fails, so does that statement.
  begun.catch(() => undefined);
  let failure: { readonly error: unknown } | undefined;
  const value = await work({
    query: async <Row>(sql: Statement, values: readonly unknown[] = []) => {
      try {
        return (await sent(client, { ...sql, values: wired(values) })).rows as Row[];
      } catch (error) {
        // Statements sent together all fail after the first one; what it said is the reason.
        failure ??= { error };
        throw failure.error;
      }
    },
  });
  await begun;
  const { command } = await client.query('COMMIT');
  if (command !== 'COMMIT') throw new Error(`Postgres answered ${command} to COMMIT`);
  return value;
};

/** False when the connection is of no use any more. */
const rolledBack = async (client: PoolClient): Promise<boolean> => {
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
};

/** A name of a table or column as SQL takes it, whatever it is made of. */
export const quotedName = (name: string): string => pg.escapeIdentifier(name);
