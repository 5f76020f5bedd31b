import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '#kit';
import { startSeparateSystem } from '../kit/system-processes.ts';
import type { SeparateSystem } from '../kit/system-processes.ts';
import { testsOf } from '../kit/system.ts';
import { startOwnServers } from './own-servers.ts';
import type { OwnServers } from './own-servers.ts';
import { DELIVERIES, ROUNDS, say, underLoad } from './under-load.ts';

/** Longest time for one round of one fault. */
const ROUND_MS = 240_000;
/** How long Kafka is frozen: longer than any deadline of ingest, shorter than any sender's patience. */
const FROZEN_MS = 10_000;
const NOTICED_WITHIN_MS = 30_000;

let servers: OwnServers<'KAFKA_BROKERS' | 'DATABASE_URL'>;
let system: SeparateSystem;
const it = testsOf(() => system);

beforeAll(async () => {
  servers = await startOwnServers(['KAFKA_BROKERS', 'DATABASE_URL']);
  try {
    system = await startSeparateSystem(servers.addresses);
  } catch (error) {
    await servers.stop();
    throw error;
  }
}, 180_000);
afterAll(async () => {
  try {
    await system.close();
  } finally {
    await servers.stop();
  }
}, 120_000);

/** Settles when a process logs such a line after now. */
const logs = async (process: string, what: RegExp): Promise<void> => {
  const count = (): number => system.log.lines(process).filter(({ msg }) => what.test(msg)).length;
  const before = count();
  await eventually(`${process} logs ${String(what)}`, () => count() > before, NOTICED_WITHIN_MS);
};
const UNAVAILABLE = /^deliveries were answered 503/;

it(
  'kill -9 of Kafka',
  () =>
    underLoad(system, 'kill -9 of Kafka', async (load) => {
      await load.answered(DELIVERIES * 0.3);
      await servers.of('KAFKA_BROKERS').kill();
      say('Kafka is killed');
      await logs('ingest', UNAVAILABLE);
      await servers.of('KAFKA_BROKERS').start();
      say('Kafka is back on the same data');
    }),
  ROUNDS * ROUND_MS,
);

it(
  'Kafka is frozen for 10 s',
  () =>
    underLoad(system, 'Kafka is frozen', async (load) => {
      await load.answered(DELIVERIES * 0.3);
      servers.of('KAFKA_BROKERS').freeze();
      say('Kafka is frozen');
      const frozen = sleep(FROZEN_MS);
      await logs('ingest', UNAVAILABLE);
      await frozen;
      servers.of('KAFKA_BROKERS').thaw();
      say('Kafka goes on');
    }),
  ROUNDS * ROUND_MS,
);

/**
 * A load for each kill: a partition says only now and then that it fails, and only one with something
 * to apply says it at all; of one load for both, nothing may be left when Postgres is back.
 */
for (const share of [0.2, 0.5]) {
  const what = `kill -9 of Postgres after ${share * 100} % of the deliveries`;
  it(
    what,
    () =>
      underLoad(system, what, async (load) => {
        await load.answered(DELIVERIES * share);
        const noticed = logs('payments', /could not be applied/);
        await servers.of('DATABASE_URL').kill();
        say('Postgres is killed');
        await noticed;
        await servers.of('DATABASE_URL').start();
        say('Postgres is back on the same data');
      }),
    ROUNDS * ROUND_MS,
  );
}
