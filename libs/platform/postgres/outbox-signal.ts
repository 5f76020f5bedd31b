import type { Logger } from '#platform/log';
import { backoffMs, pause } from '#platform/time';
import { withSessionSettings } from './database.ts';
import { statement } from './statement.ts';
import type { Database } from './database.ts';
import { connectClient } from './hosts.ts';
import type { DatabaseUrl } from './hosts.ts';

const CHANNEL = 'dakia_outbox';
/**
 * Least time in ms between two signals of one process: the relay
 * takes all that is there each time, so more of them bring nothing.
 */
const RING_EVERY_MS = 20;
/** Pauses in ms before the listener connects again, doubled each time up to the second. */
const RECONNECT_MS = 500;
const RECONNECT_MS_MAX = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** How often the listener asks whether its connection still stands, and how long it waits for the answer, in ms. */
const HEARTBEAT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Not in the transaction that writes the facts: Postgres takes one lock for the whole database
 * when a transaction that has notified commits, and holds it while the commit is written to disk,
 * so that all of them would go one by one (src/backend/commands/async.c, PreCommit_Notify). For
 * the same reason this one does not wait for the disk: it has nothing to lose.
 */
const NOTIFY = statement(
  'outbox_ring',
  `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${CHANNEL}', '')`,
);

export interface OutboxSignal {
  /**
   * Tells relays that facts were committed. Costs the caller nothing and may get lost: relays also look by themselves.
   */
  readonly notify: () => void;
}

/** One statement is under way at most, and one more wanted, however often it is notified. */
export const createOutboxSignal = (database: Pick<Database, 'query'>): OutboxSignal => {
  let notifying = false;
  let wanted = false;
  const notifyWhileWanted = async (): Promise<void> => {
    notifying = true;
    while (wanted) {
      wanted = false;
      // Postgres is away, or the service stops: the relay looks by itself.
      await database.query(NOTIFY).catch(() => undefined);
      await pause(RING_EVERY_MS, undefined, { ref: false });
    }
    notifying = false;
  };
  return {
    notify: () => {
      wanted = true;
      if (!notifying) void notifyWhileWanted();
    },
  };
};

export interface OutboxListenerOptions {
  /**
   * Where LISTEN works: a pooler that shares connections by
   * transaction (pgbouncer) takes the statement and loses the signals.
   */
  readonly url: DatabaseUrl;
  readonly role: string;
  readonly applicationName: string;
  /** Called for each notify, and when the listener has begun to listen: what was notified before that was missed. */
  readonly onSignal: () => void;
  readonly log: Pick<Logger, 'warn' | 'info'>;
}

export interface OutboxListener {
  readonly start: () => void;
  readonly stop: () => Promise<void>;
}

/**
 * Receives the signal on a connection of its own, which it opens again when
 * it is lost. It misses signals meanwhile, and is never a reason to stop.
 */
export const createOutboxListener = ({
  url,
  role,
  applicationName,
  onSignal,
  log,
}: OutboxListenerOptions): OutboxListener => {
  const stopping = new AbortController();
  let disconnected = false;
  let failures = 0;
  let loop: Promise<void> = Promise.resolve();

  // The signal changes while something is awaited, which the compiler does not know of `aborted`.
  const isStopping = (): boolean => stopping.signal.aborted;

  /** Ends when the connection does, with an error, or when the listener stops. */
  const listen = async (): Promise<void> => {
    const client = await connectClient(
      url,
      {
        application_name: applicationName,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        query_timeout: ANSWER_TIMEOUT_MS,
        keepAlive: true,
      },
      (one) => withSessionSettings(one, role),
    );
    const ended = Promise.withResolvers<void>();
    // It may end before anybody waits for it.
    ended.promise.catch(() => undefined);
    client.on('error', ended.reject);
    client.on('end', () => ended.reject(new Error('the connection ended')));
    client.on('notification', onSignal);
    const onStop = (): void => ended.resolve();
    stopping.signal.addEventListener('abort', onStop, { once: true });
    const heartbeat = setInterval(() => void client.query('SELECT 1').catch(ended.reject), HEARTBEAT_MS);
    try {
      await client.query(`LISTEN ${CHANNEL}`);
      if (disconnected) log.info('the signal of the outbox is received again');
      disconnected = false;
      failures = 0;
      onSignal();
      if (!stopping.signal.aborted) await ended.promise;
    } finally {
      clearInterval(heartbeat);
      stopping.signal.removeEventListener('abort', onStop);
      void client.end().catch(() => undefined);
    }
  };

  const listenUntilStopped = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await listen();
      } catch (error) {
        if (isStopping()) return;
        if (!disconnected)
          log.warn({ err: error }, 'the signal of the outbox is not received; the outbox is polled meanwhile');
        disconnected = true;
        failures += 1;
        await pause(backoffMs(failures, RECONNECT_MS, RECONNECT_MS_MAX, { jitter: 0 }), stopping.signal);
      }
    }
  };

  return {
    start: () => {
      loop = listenUntilStopped();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
};
