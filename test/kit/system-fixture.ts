import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Admin, Kafka } from 'kafkajs';
import pg from 'pg';
import { ownTopics, topics } from '#catalogue';
import { freePort } from '#local';
import { accounting } from '#operate';
import type { Account } from '#operate';
import { kafkaSettings, readConfig } from '#platform/config';
import { applyTopics, createKafka, embeddedShape, readLogs } from '#kafka';
import { createLogger } from '#platform/log';
import { createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { COMPRESSION, headersOf, plan, send, sign, simulation, storyNames, verify } from '#simulator';
import type { SendReport, SimulatedEvent, SimulationSettings, StoryName, VerifyReport } from '#simulator';
import { createTestDatabase } from './databases.ts';
import { eventually } from './eventually.ts';
import { deleteRedisKeys } from './redis.ts';
import { ROOT } from './root.ts';
import { testServers } from './servers.ts';
import type { ServerAddresses } from './servers.ts';
import { createSystemLog } from './system-log.ts';
import type { SystemLog } from './system-log.ts';

/** One HTTP request to ingest; what is not given is what Razorpay would send. */
export interface Posted {
  readonly body: Buffer | string;
  /** Without one the header is left out. */
  readonly eventId?: string;
  readonly secret?: string;
  /** Name of a further endpoint. */
  readonly endpoint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What to simulate, and how to send it; what is not given is random, now, and all stories. */
export interface Load extends Partial<SimulationSettings> {
  readonly count: number;
  readonly duplicates?: number;
  readonly shuffle?: boolean;
  readonly tamper?: number;
  /** First deliveries per second; 0 is as fast as the answers come. */
  readonly rate?: number;
  readonly concurrency?: number;
  /** Deliver again what was not answered 2xx, as Razorpay does. */
  readonly retry?: boolean;
}

/** A simulation on its way. */
export interface RunningLoad {
  readonly run: SimulationSettings;
  /** Settles once this many deliveries have their last answer. */
  readonly answered: (deliveries: number) => Promise<void>;
  readonly done: Promise<SendReport>;
}

/**
 * A namespace of the test servers for one Dakia, whichever way its
 * services run: database, topics, secret, ports, and how to look at it.
 */
export interface SystemFixture {
  readonly environment: Readonly<Record<string, string>>;
  readonly databaseUrl: string;
  readonly prefix: string;
  readonly secret: string;
  readonly kafka: Kafka;
  readonly log: SystemLog;
  readonly post: (request: Posted) => Promise<{ readonly status: number; readonly reason: string }>;
  /** Posts an event as Razorpay would. */
  readonly deliver: (event: SimulatedEvent, over?: Partial<Posted>) => Promise<number>;
  readonly load: (load: Load) => RunningLoad;
  /** Sends a simulation and waits for the last answer. */
  readonly simulate: (load: Load) => Promise<SendReport & { readonly run: SimulationSettings }>;
  readonly verify: (run: SimulationSettings, waitMs?: number) => Promise<VerifyReport>;
  /** Runs `npx dakia` with these arguments and `--json`. */
  readonly dakia: (
    ...args: readonly string[]
  ) => Promise<{ readonly code: number; readonly answer: unknown; readonly stderr: string }>;
  readonly status: () => Promise<Account>;
  /** Waits until every accepted event is applied and counted, and answers with the account. */
  readonly drained: (limitMs?: number) => Promise<Account>;
  /** With the rights of the tables' owner, over a connection of its own. */
  readonly rows: <Row>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  readonly withDatabase: <Value>(work: (database: Database) => Promise<Value>) => Promise<Value>;
  readonly withAdmin: <Value>(work: (admin: Admin) => Promise<Value>) => Promise<Value>;
  readonly close: () => Promise<void>;
}

const HOST = '127.0.0.1';
const KAFKA_OPTIONS = {
  clientId: 'test',
  requestTimeoutMs: 5_000,
  retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 1_000 },
};
/** Warnings of Node that say nothing about us: kafkajs' timer, and the stripping of types. */
export const NODE_FLAGS = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning'];
const SECRET_BYTES = 24;
/** Connections per service: seven services share the test's Postgres with other test files. */
const POOL_SIZE = '4';
const RETRY_CONCURRENCY = '2';
const DRAINED_WITHIN_MS = 30_000;
const CONCURRENCY = 16;

export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** `settings`: environment variables on top of the usual ones. */
export const createSystemFixture = async (
  addresses: ServerAddresses = testServers(),
  settings: Readonly<Record<string, string>> = {},
): Promise<SystemFixture> => {
  const prefix = `test-${randomBytes(5).toString('hex')}.`;
  const queuePrefix = prefix.slice(0, -1);
  const secret = newSecret();
  const database = await createTestDatabase(addresses.DATABASE_URL);
  const port = await freePort();
  const environment = {
    ...addresses,
    DATABASE_URL: database.url,
    DAKIA_TOPIC_PREFIX: prefix,
    DAKIA_QUEUE_PREFIX: queuePrefix,
    RAZORPAY_WEBHOOK_SECRETS: secret,
    DAKIA_WEBHOOK_HOST: HOST,
    DAKIA_WEBHOOK_PORT: String(port),
    DAKIA_OPS_HOST: HOST,
    DAKIA_OPS_PORT: '0',
    DAKIA_DRAIN_DELAY_MS: '0',
    DAKIA_DATABASE_POOL_SIZE: POOL_SIZE,
    DAKIA_RETRY_CONCURRENCY: RETRY_CONCURRENCY,
    ...settings,
  };
  const config = readConfig(kafkaSettings, environment);
  if (!config.ok) throw new Error(config.issues.join('; '));
  const { kafka } = createKafka(config.value, createLogger('test', 'fatal'), KAFKA_OPTIONS);
  const { problems } = await applyTopics(kafka, { topics: ownTopics, prefix, shape: embeddedShape });
  if (problems.length > 0) throw new Error(problems.join('; '));
  const url = new URL(`http://${HOST}:${port}/webhooks/razorpay`);

  const withDatabase: SystemFixture['withDatabase'] = async (work) => {
    const opened = createDatabase({ url: database.url, poolSize: 1, applicationName: 'dakia-test' });
    try {
      return await work(opened);
    } finally {
      await opened.close();
    }
  };
  const withAdmin: SystemFixture['withAdmin'] = async (work) => {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  };
  const post: SystemFixture['post'] = async ({
    body,
    eventId,
    secret: signedWith = secret,
    endpoint,
    headers = {},
  }) => {
    const bytes = Buffer.from(body);
    const { 'X-Razorpay-Event-Id': id, ...usual } = headersOf(eventId ?? '', sign(signedWith, bytes));
    const target = endpoint === undefined ? url : new URL(`${url.pathname}/${endpoint}`, url);
    const answer = await fetch(target, {
      method: 'POST',
      body: bytes,
      headers: { ...usual, ...(eventId !== undefined && { 'X-Razorpay-Event-Id': id ?? '' }), ...headers },
    });
    return { status: answer.status, reason: ((await answer.json()) as { reason: string }).reason };
  };
  const status = (): Promise<Account> =>
    withDatabase((opened) => accounting(opened, () => readLogs(kafka, { topics, prefix })));
  const load: SystemFixture['load'] = (options) => startLoad(url, secret, options);

  return {
    environment,
    databaseUrl: database.url,
    prefix,
    secret,
    kafka,
    log: createSystemLog(),
    post,
    deliver: async (event, over = {}) => (await post({ body: event.body, eventId: event.eventId, ...over })).status,
    load,
    simulate: async (options) => {
      const { run, done } = load(options);
      return { ...(await done), run };
    },
    verify: (run, waitMs = 0) => withDatabase((opened) => verify(opened, run, waitMs)),
    dakia: (...args) => runDakia(environment, [...args, '--json']),
    status,
    drained: (limitMs = DRAINED_WITHIN_MS) =>
      eventually(
        'every accepted event is applied',
        async () => {
          const account = await status();
          if (account.partitions.every(({ lag }) => lag === 0)) return account;
          throw new Error(`lag ${account.totals.lag}`);
        },
        limitMs,
      ),
    rows: async <Row>(sql: string, values: readonly unknown[] = []) => {
      const client = new pg.Client({ connectionString: database.url });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query(sql, [...values])).rows as Row[];
      } finally {
        await client.end();
      }
    },
    withDatabase,
    withAdmin,
    close: async () => {
      await withAdmin(async (admin) => {
        const ours = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
        if (ours.length > 0) await admin.deleteTopics({ topics: ours });
      });
      await database.drop();
      // A test may have ended its own Redis.
      await deleteRedisKeys(addresses.REDIS_URL, `{${queuePrefix}}`).catch(() => undefined);
    },
  };
};

const runDakia = (
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): ReturnType<SystemFixture['dakia']> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [...NODE_FLAGS, join(ROOT, 'cli', 'dakia.ts'), ...args],
      { env: { ...process.env, ...environment } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code);
        resolve({ code, answer: stdout === '' ? undefined : (JSON.parse(stdout) as unknown), stderr });
      },
    );
  });

/** Simulations know whole seconds, as Razorpay's bodies do. */
export const thisSecond = (): Instant => instant(Math.floor(Date.now() / 1000) * 1000);

const startLoad = (url: URL, secret: string, options: Load): RunningLoad => {
  const {
    count,
    seed = randomBytes(4).toString('hex'),
    stories = storyNames as readonly [StoryName, ...StoryName[]],
  } = options;
  const { duplicates = 0, shuffle = false, tamper = 0, rate = 0, concurrency = CONCURRENCY, retry = false } = options;
  const run: SimulationSettings = { seed, count, stories, at: options.at ?? thisSecond() };
  const waiting: {
    readonly deliveries: number;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  let settled = 0;
  const onProgress = (now: number): void => {
    settled = now;
    for (const wait of waiting) if (wait.deliveries <= now) wait.resolve();
  };
  const deliveries = plan(simulation(run).events, { seed, duplicates, shuffle, tamper });
  const done = send(deliveries, {
    url,
    secret,
    concurrency,
    rate,
    compression: retry ? COMPRESSION : 0,
    onProgress,
  }).then((report) => {
    for (const { deliveries: wanted, reject } of waiting)
      reject(new Error(`all ${settled} deliveries are answered; ${wanted} never will be`));
    return report;
  });
  return {
    run,
    answered: (wanted) =>
      new Promise((resolve, reject) => {
        if (settled >= wanted) resolve();
        else waiting.push({ deliveries: wanted, resolve, reject });
      }),
    done,
  };
};
