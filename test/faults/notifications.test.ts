import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { factKinds } from '#catalogue';
import { answers, eventually, fillPayments, insertPaymentFacts, startReceiver } from '#kit';
import type { Answer, PaymentFact, Receiver } from '#kit';
import type { Server } from '#local';
import { createDatabase, createOutboxSignal } from '#platform/postgres';
import { randomOf, shuffled } from '../../simulator/random.ts';
import { startSeparateSystem } from '../kit/system-processes.ts';
import type { SeparateSystem, ServiceProcess } from '../kit/system-processes.ts';
import { testsOf } from '../kit/system.ts';
import { everyFactIsNotified } from './notified.ts';
import { startOwnServers } from './own-servers.ts';
import type { OwnServers } from './own-servers.ts';
import { nothingShows, ROUNDS, say } from './under-load.ts';

/** Longest time for one round of one fault. */
const ROUND_MS = 240_000;
/** What the faults of a failed run were drawn from; give it to see them again. */
const SEED = process.env['DAKIA_FAULT_SEED'] ?? randomBytes(4).toString('hex');

const FACTS = 5_000;
/** Facts of one transaction, and from one transaction to the next: 250 facts per second. */
const TOGETHER = 50;
const EVERY_MS = 200;
/** Deliveries at once of each notifier. */
const CONCURRENCY = 16;
/**
 * A job that is lost waits for the sweeper (30 s), one of a killed
 * worker for its lock (30 s); then its second attempt may wait as well.
 */
const NOTIFIED_WITHIN_MS = 120_000;
const TOLD_WITHIN_MS = 60_000;

const REDIS_AWAY_MS = 60_000;
/** Events while Redis is away, and first deliveries per second: the load lasts as long. */
const EVENTS = 1_800;
const PER_SECOND = 30;
const APPLIED_WITHIN_MS = 30_000;

let servers: OwnServers<'DATABASE_URL' | 'REDIS_URL'>;
let system: SeparateSystem;
let receiver: Receiver;
let notifiers: readonly ServiceProcess[] = [];
const it = testsOf(() => system);

/** A merchant's system on an ordinary day: most requests are taken at once, some slowly, some not at all. */
const ordinary = (seed: string): Answer => {
  const random = randomOf(seed);
  return (response, socket, count, request) => {
    const draw = random.whole(1, 100);
    const answer =
      draw <= 3
        ? answers.status(500)
        : draw <= 4
          ? answers.reset
          : draw <= 10
            ? answers.slow(300)
            : answers.status(200);
    answer(response, socket, count, request);
  };
};

beforeAll(async () => {
  say(`notifications: DAKIA_FAULT_SEED=${SEED}`);
  servers = await startOwnServers(['DATABASE_URL', 'REDIS_URL']);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  receiver = await startReceiver(ordinary(`${SEED}/answers`), secret);
  const rules = {
    destinations: {
      shop: {
        type: 'http',
        url: receiver.url.href,
        secrets_env: 'SHOP_SECRETS',
        allow: ['127.0.0.1'],
        concurrency: CONCURRENCY,
      },
    },
    rules: [{ name: 'everything', when: factKinds, to: 'shop' }],
  };
  const ruleFile = join(servers.folder.root, 'rules.yaml');
  writeFileSync(ruleFile, JSON.stringify(rules));
  try {
    system = await startSeparateSystem(servers.addresses, { DAKIA_NOTIFICATIONS_FILE: ruleFile, SHOP_SECRETS: secret });
    notifiers = [system.service('notifier'), await system.another('notifier', 'notifier-2')];
  } catch (error) {
    await servers.stop();
    throw error;
  }
}, 180_000);
afterAll(async () => {
  try {
    await system.close();
  } finally {
    await receiver.close();
    await servers.stop();
  }
}, 120_000);

const killAndStart = async (server: Server): Promise<void> => {
  await server.kill();
  await server.start();
};
const flushAll = async (): Promise<void> => {
  const redis = new Redis(servers.addresses.REDIS_URL);
  await redis.flushall();
  redis.disconnect();
};
const killNotifiers = async (which: readonly ServiceProcess[]): Promise<void> => {
  await Promise.all(which.map((notifier) => notifier.signal('SIGKILL')));
  await Promise.all(which.map((notifier) => notifier.restart()));
};

interface Fault {
  readonly name: string;
  /** Deliveries that may be under way when it happens, and come again. */
  readonly repeats: number;
  readonly happen: () => Promise<void>;
}
const everywhere = 2 * CONCURRENCY;
const faults: readonly Fault[] = [
  { name: 'kill -9 of a notifier', repeats: CONCURRENCY, happen: () => killNotifiers(notifiers.slice(0, 1)) },
  { name: 'kill -9 of the other notifier', repeats: CONCURRENCY, happen: () => killNotifiers(notifiers.slice(1)) },
  { name: 'kill -9 of both notifiers', repeats: everywhere, happen: () => killNotifiers(notifiers) },
  { name: 'kill -9 of Redis', repeats: everywhere, happen: () => killAndStart(servers.of('REDIS_URL')) },
  { name: 'kill -9 of Redis, again', repeats: everywhere, happen: () => killAndStart(servers.of('REDIS_URL')) },
  { name: 'kill -9 of Postgres', repeats: everywhere, happen: () => killAndStart(servers.of('DATABASE_URL')) },
  { name: 'kill -9 of Postgres, again', repeats: everywhere, happen: () => killAndStart(servers.of('DATABASE_URL')) },
  { name: 'FLUSHALL', repeats: everywhere, happen: flushAll },
];

/**
 * Tells facts as consumers do, transaction by transaction, each again
 * until it is committed. `told` settles when so many are.
 */
const tellFacts = (firstPayment: number) => {
  const facts = Array.from(
    { length: FACTS },
    (_, index): PaymentFact => ({
      kind: index % 2 === 0 ? 'payment.authorized' : 'payment.captured',
      payment: firstPayment + Math.floor(index / 2),
    }),
  );
  let committed = 0;
  const tell = async (): Promise<void> => {
    const database = createDatabase({ url: system.databaseUrl, poolSize: 1, applicationName: 'dakia-test' });
    const outboxSignal = createOutboxSignal(database);
    try {
      await fillPayments(database, firstPayment, FACTS / 2);
      for (let from = 0; from < FACTS; from += TOGETHER) {
        const next = sleep(EVERY_MS);
        await eventually(
          'facts are committed',
          async () => insertPaymentFacts(database, facts.slice(from, from + TOGETHER)).then(() => true),
          TOLD_WITHIN_MS,
        );
        committed = from + TOGETHER;
        outboxSignal.notify();
        await next;
      }
    } finally {
      await database.close();
    }
  };
  return {
    done: tell(),
    told: (count: number) => eventually(`${count} facts are told`, () => committed >= count, TOLD_WITHIN_MS),
  };
};

it(
  'kill -9 of notifiers, Redis and Postgres at random times, and FLUSHALL, during 5 000 notifications',
  async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const began = performance.now();
      const random = randomOf(`${SEED}/${round}`);
      const { done, told } = tellFacts((round - 1) * FACTS);
      const moments = faults.map(() => random.whole(FACTS * 0.05, FACTS * 0.95)).toSorted((a, b) => a - b);
      const harmed = (async () => {
        for (const [index, { name, happen }] of shuffled(faults, random).entries()) {
          await told(moments[index] ?? FACTS);
          say(`${name}, after ${moments[index]} facts`);
          await happen();
        }
      })();
      await Promise.all([done, harmed]);
      say(`all facts are told and all faults are over (${((performance.now() - began) / 1000).toFixed(0)} s)`);
      await everyNotificationIsDelivered();
      const { facts, repeats } = await everyFactIsNotified(system, receiver);
      say(
        `${facts} facts notified in ${receiver.received.length} requests, ${repeats} of them repeats ` +
          `(${((performance.now() - began) / 1000).toFixed(0)} s)`,
      );
      expect(facts).toBe(round * FACTS);
      expect(repeats).toBeLessThanOrEqual(round * faults.reduce((sum, fault) => sum + fault.repeats, 0));
      expect(system.deaths()).toEqual([]);
    }
  },
  ROUNDS * ROUND_MS,
);

const everyNotificationIsDelivered = (): Promise<boolean> =>
  eventually(
    'every notification is delivered',
    async () => {
      const [open] = await system.rows<{ facts: number; notifications: number }>(
        `SELECT (SELECT count(*) FROM outbox WHERE relayed_at IS NULL)::int AS facts, (SELECT count(*)
          FROM notifications WHERE status IN ('pending', 'retrying'))::int AS notifications`,
      );
      if (open?.facts === 0 && open.notifications === 0) return true;
      throw new Error(JSON.stringify(open));
    },
    NOTIFIED_WITHIN_MS,
  );

it(
  'Redis is away for 60 s under load: events are applied all the time, and the notifications come when it is back',
  async () => {
    const before = (await system.rows<{ n: number }>('SELECT count(*)::int AS n FROM notifications'))[0]?.n ?? 0;
    await servers.of('REDIS_URL').kill();
    say('Redis is killed');
    const away = sleep(REDIS_AWAY_MS);
    const load = system.load({ count: EVENTS, rate: PER_SECOND, duplicates: 0.2, shuffle: true, retry: true });
    const report = await load.done;
    await nothingShows(system, load.run, EVENTS, report.unexpected, APPLIED_WITHIN_MS);
    await away;
    say('all events are applied, and Redis comes back');
    await servers.of('REDIS_URL').start();
    await everyNotificationIsDelivered();
    const { facts, repeats } = await everyFactIsNotified(system, receiver);
    say(`${facts - before} facts of ${EVENTS} events notified, ${repeats} repeats in all`);
    expect(facts).toBeGreaterThan(before);
    expect(system.deaths()).toEqual([]);
  },
  ROUND_MS,
);
