import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { fillPayments, insertPaymentFacts } from '#kit';
import type { PaymentFact } from '#kit';
import { adHoc, createDatabase, createOutboxSignal } from '#platform/postgres';
import type { Database, OutboxSignal } from '#platform/postgres';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { atRate } from '../http-load.ts';
import { onServer } from '../stack.ts';
import type { Report, Stack } from '../stack.ts';
import { median, rounded, spread } from '../statistics.ts';
import type { PlainOptions, PlainOutcome, PlainRun } from './plain.ts';
import type { Arrivals } from './receiver.ts';

export interface NotifyResult {
  /**
   * Notifications per second, fact to receiver, as a share of plain
   * BullMQ jobs that post the same body to the same receiver.
   */
  readonly ratio_bullmq: number;
  /** The same as a share of BullMQ jobs that do nothing. */
  readonly ratio_bullmq_no_post: number;
  readonly per_s: number;
  /** The same with as many deliveries at once as a destination has by default. */
  readonly per_s_default: number;
  readonly bullmq_per_s: number;
  /** CPU of the notifier's process per notification, in µs. */
  readonly cpu_us: number;
  /** The same of plain BullMQ. */
  readonly bullmq_cpu_us: number;
  /** From the fact's transaction to the receiver's answer at half of that load, in ms. */
  readonly latency_p50_ms: number;
  readonly latency_p99_ms: number;
  /** Of the rounds' ratio_bullmq: (highest - lowest) / median. */
  readonly spread: number;
}

/** All notifications of a round, by one of the variants. */
export interface NotifyRun {
  readonly seconds: number;
  readonly cpuMicros: number;
}
export type NotifyRound = Readonly<Record<Variant, NotifyRun>>;

/** Notifications of a round; 10 000 at the default of 10 s. */
const PER_SECOND = 1_000;
const ROUNDS = 3;
/** Facts of one transaction, and jobs that plain BullMQ adds in one round trip. */
const AT_ONCE = 200;
/**
 * Deliveries at once, of both: the most that a destination may have,
 * so that it is CPU that is compared and not the wait for the disk.
 */
const CONCURRENCY = 64;
/** Facts of this kind go to a destination with the default. */
const TO_DEFAULT = 'payment.authorized';
const TO_MANY = 'payment.captured';
/** From one look at what is due to the next, at half load, in ms. */
const TICK_MS = 10;
/** Longest wait for the last request: far more than any round takes. */
const ARRIVED_WITHIN_MS = 120_000;
const SETTLED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;
/** Named by the rule file; the environment of the notifier has it. */
const SECRET_VARIABLE = 'DAKIA_BENCH_RECEIVER_SECRETS';

const VARIANTS = ['dakia', 'plain', 'noPost', 'default'] as const;
type Variant = (typeof VARIANTS)[number];

/**
 * Round by round, in turns: facts through outbox, relay, queue and worker to a
 * receiver; and plain BullMQ, which adds jobs with the very body that the receiver was
 * sent and posts it, or does nothing. The first round warms all up and is not counted.
 */
export const measureNotify = async (stack: Stack, seconds: number, report: Report): Promise<NotifyResult> => {
  const count = seconds * PER_SECOND;
  const databaseUrl = await stack.createDatabase();
  const prefix = `dakia-bench-${randomBytes(4).toString('hex')}`;
  const redisUrl = String(stack.environment['REDIS_URL']);
  const receiver = startChild('notify/receiver', stack.logs, stack.environment);
  const url = `http://127.0.0.1:${await receiver.ask<number>('start')}/hook`;
  const ruleFile = join(stack.logs, 'bench-notifications.yaml');
  writeFileSync(ruleFile, rulesFor(url));
  const notifier = startChild('notify/notifier', stack.logs, {
    ...stack.environment,
    DATABASE_URL: databaseUrl,
    DAKIA_QUEUE_PREFIX: prefix,
    DAKIA_NOTIFICATIONS_FILE: ruleFile,
    [SECRET_VARIABLE]: `whsec_${randomBytes(32).toString('base64')}`,
  });
  const plain = startChild('notify/plain', stack.logs, stack.environment);
  const database = createDatabase({ url: databaseUrl, poolSize: 2, applicationName: 'dakia-bench' });
  const fixture: NotifyFixture = {
    database,
    databaseUrl,
    outboxSignal: createOutboxSignal(database),
    payments: { next: 0 },
    notifier,
    receiver,
  };
  try {
    await notifier.ask('start');
    await plain.ask('start', { redisUrl, prefix: `{${prefix}}`, url, concurrency: CONCURRENCY } satisfies PlainOptions);
    const run: Readonly<Record<Variant, () => Promise<NotifyRun>>> = {
      dakia: () => runDakia(fixture, TO_MANY, count),
      plain: () => runPlain(plain, receiver, count, true),
      noPost: () => runPlain(plain, receiver, count, false),
      default: () => runDakia(fixture, TO_DEFAULT, count),
    };
    const rounds: NotifyRound[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const outcomes: Partial<Record<Variant, NotifyRun>> = {};
      // Another one begins each time; the warm-up begins with Dakia, which makes the body.
      for (let turn = 0; turn < VARIANTS.length; turn++) {
        const variant = VARIANTS[(round + turn) % VARIANTS.length] as Variant;
        outcomes[variant] = await run[variant]();
      }
      const measured = outcomes as NotifyRound;
      say(report, round, count, measured);
      if (round > 0) rounds.push(measured);
    }
    const perSecond = median(rounds.map(({ dakia }) => count / dakia.seconds));
    report('notify', `latency at half load, ${(perSecond / 2).toFixed(0)}/s`);
    return notifyResult(count, rounds, await latencyAtHalf(fixture, perSecond / 2, seconds / 2));
  } finally {
    await Promise.all([notifier, plain, receiver].map((child) => child.stop()));
    await database.close();
    await forget(redisUrl, prefix);
  }
};

const say = (
  report: Report,
  round: number,
  count: number,
  { dakia, plain, noPost, default: usual }: NotifyRound,
): void => {
  const of = ({ seconds, cpuMicros }: NotifyRun): string =>
    `${(count / seconds).toFixed(0)}/s, ${(cpuMicros / count).toFixed(0)} us`;
  report(
    'notify',
    `${round === 0 ? 'warm-up' : `round ${round} of ${ROUNDS}`}: Dakia ${of(dakia)} | plain BullMQ ${of(plain)} ` +
      `| without the request ${of(noPost)} | Dakia with the default ${of(usual)} | ratio ` +
      `${(plain.seconds / dakia.seconds).toFixed(2)}`,
  );
};

interface NotifyFixture {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly outboxSignal: OutboxSignal;
  /** The number of the next payment. */
  readonly payments: { next: number };
  readonly notifier: Child;
  readonly receiver: Child;
}

const destinationAt = (url: string) => ({ type: 'http', url, secrets_env: SECRET_VARIABLE, allow: ['127.0.0.1'] });

const rulesFor = (url: string): string =>
  JSON.stringify({
    destinations: { many: { ...destinationAt(url), concurrency: CONCURRENCY }, default: destinationAt(url) },
    rules: [
      { name: 'to-many', when: TO_MANY, to: 'many' },
      { name: 'to-default', when: TO_DEFAULT, to: 'default' },
    ],
  });

const nowMs = (): number => performance.timeOrigin + performance.now();

/**
 * Empty tables but for as many payments, which are not what is measured, and everything written to disk. Answers the
 * first one's number. They are new ones each time: a job whose id Redis still has as finished would not be added.
 */
const prepare = async ({ database, databaseUrl, payments }: NotifyFixture, count: number): Promise<number> => {
  const first = payments.next;
  payments.next += count;
  await onServer(databaseUrl, 'TRUNCATE outbox, notifications, payment_transactions');
  await fillPayments(database, first, count);
  await onServer(databaseUrl, 'CHECKPOINT');
  return first;
};

/** One transaction of the apply path, as far as the outbox goes, and its signal. */
const tell = async (
  { database, outboxSignal }: NotifyFixture,
  kind: PaymentFact['kind'],
  from: number,
  to: number,
): Promise<void> => {
  await insertPaymentFacts(
    database,
    Array.from({ length: to - from }, (_, index) => ({ kind, payment: from + index })),
  );
  outboxSignal.notify();
};

const runDakia = async (fixture: NotifyFixture, kind: PaymentFact['kind'], count: number): Promise<NotifyRun> => {
  const { database, notifier, receiver } = fixture;
  const first = await prepare(fixture, count);
  const arrived = receiver.ask<Arrivals>('await', count);
  const before = await notifier.usage();
  const beganMs = nowMs();
  for (let from = 0; from < count; from += AT_ONCE)
    await tell(fixture, kind, first + from, first + Math.min(from + AT_ONCE, count));
  const { lastMs, requests } = await inTime(arrived);
  await settled(database, count);
  if (requests !== count)
    throw new Error(`${count} notifications took ${requests} requests; the machine is too busy to measure`);
  return { seconds: (lastMs - beganMs) / 1000, cpuMicros: (await notifier.usage()).cpuMicros - before.cpuMicros };
};

const inTime = (arrived: Promise<Arrivals>): Promise<Arrivals> =>
  Promise.race([
    arrived,
    delay(ARRIVED_WITHIN_MS, undefined, { ref: false }).then(() =>
      Promise.reject(new Error(`the receiver did not hear of everything within ${ARRIVED_WITHIN_MS / 1000} s`)),
    ),
  ]);

/** The last rows are written just after their answers. */
const settled = async (database: Database, count: number): Promise<void> => {
  const end = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const [row] = await database.query<{ delivered: number }>(
      adHoc(`SELECT count(*)::int AS delivered FROM notifications WHERE status = 'delivered'`),
    );
    if (row?.delivered === count) return;
    if (performance.now() > end)
      throw new Error(
        `${row?.delivered ?? 0} of ${count} notifications are delivered after ${SETTLED_WITHIN_MS / 1000} s`,
      );
    await delay(LOOK_EVERY_MS);
  }
};

const runPlain = async (plain: Child, receiver: Child, count: number, post: boolean): Promise<NotifyRun> => {
  const arrived = post ? receiver.ask<Arrivals>('await', count) : undefined;
  const before = await plain.usage();
  const { beganMs, endedMs } = await plain.ask<PlainOutcome>('run', {
    body: await receiver.ask<string>('sample'),
    count,
    atOnce: AT_ONCE,
    post,
  } satisfies PlainRun);
  const lastMs = arrived === undefined ? endedMs : (await inTime(arrived)).lastMs;
  return { seconds: (lastMs - beganMs) / 1000, cpuMicros: (await plain.usage()).cpuMicros - before.cpuMicros };
};

/**
 * Percentiles 50 and 99 from fact to answer, of facts that come on a
 * clock, so that a stall of the notifier is not left out.
 */
const latencyAtHalf = async (
  fixture: NotifyFixture,
  perSecond: number,
  seconds: number,
): Promise<readonly [number, number]> => {
  const { database, receiver } = fixture;
  const count = Math.floor(perSecond * seconds);
  const first = await prepare(fixture, count);
  const arrived = receiver.ask<Arrivals>('await', count);
  const pace = atRate(perSecond);
  const began = performance.now();
  for (let told = 0; told < count; ) {
    const due = Math.min(count, pace.allowed(performance.now() - began));
    if (due > told) {
      await tell(fixture, TO_MANY, first + told, first + due);
      told = due;
    }
    await delay(TICK_MS);
  }
  await inTime(arrived);
  await settled(database, count);
  const [row] = await database.query<{ ms: [number, number] }>(
    adHoc(
      `SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch
        FROM delivered_at - fact_at)::float8 * 1000) AS ms FROM notifications`,
    ),
  );
  return row?.ms ?? [NaN, NaN];
};

/** Redis may be somebody else's: only keys under our prefix go. */
const forget = async (redisUrl: string, prefix: string): Promise<void> => {
  const redis = new Redis(redisUrl);
  for await (const keys of redis.scanStream({ match: `{${prefix}}*`, count: 1_000 }) as AsyncIterable<
    readonly string[]
  >)
    if (keys.length > 0) await redis.unlink(...keys);
  redis.disconnect();
};

/** Medians over the rounds; each ratio is taken within a round. */
export const notifyResult = (
  count: number,
  rounds: readonly NotifyRound[],
  [p50, p99]: readonly [number, number],
): NotifyResult => {
  const ratios = (against: Variant): readonly number[] =>
    rounds.map((round) => round[against].seconds / round.dakia.seconds);
  const perSecond = (variant: Variant): number => median(rounds.map((round) => count / round[variant].seconds));
  const cpu = (variant: Variant): number => median(rounds.map((round) => round[variant].cpuMicros / count));
  return {
    ratio_bullmq: rounded(median(ratios('plain'))),
    ratio_bullmq_no_post: rounded(median(ratios('noPost'))),
    per_s: rounded(perSecond('dakia')),
    per_s_default: rounded(perSecond('default')),
    bullmq_per_s: rounded(perSecond('plain')),
    cpu_us: rounded(cpu('dakia')),
    bullmq_cpu_us: rounded(cpu('plain')),
    latency_p50_ms: rounded(p50),
    latency_p99_ms: rounded(p99),
    spread: rounded(spread(ratios('plain'))),
  };
};
