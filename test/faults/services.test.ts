import { eventually } from '#kit';
import { startSeparateSystem } from '../kit/system-processes.ts';
import type { SeparateSystem } from '../kit/system-processes.ts';
import { testsOf } from '../kit/system.ts';
import { startPostgresProxy } from './postgres-proxy.ts';
import { DELIVERIES, passedBy, ROUNDS, say, underLoad } from './under-load.ts';

/** Longest time for one round of one fault. */
const ROUND_MS = 180_000;
const KILLS = 3;
/**
 * A member that was killed or frozen keeps its partitions for
 * SESSION_TIMEOUT_MS (consumer/tuning.ts), then the group forms anew.
 */
const TAKEN_OVER_WITHIN_MS = 60_000;
/** Topics of payments times partitions of each. */
const PARTITIONS = 9;

let system: SeparateSystem;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSeparateSystem()), 120_000);
afterAll(() => system.close(), 60_000);

it(
  'kill -9 of ingest',
  () =>
    underLoad(system, 'kill -9 of ingest', async (load) => {
      for (const share of [0.2, 0.5]) {
        await load.answered(DELIVERIES * share);
        await system.service('ingest').signal('SIGKILL');
        say('ingest is killed');
        await system.service('ingest').restart();
      }
    }),
  ROUNDS * ROUND_MS,
);

it(
  'kill -9 of payments, again and again',
  () =>
    underLoad(system, 'kill -9 of payments', async (load) => {
      const payments = system.service('payments');
      await load.answered(DELIVERIES * 0.2);
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const before = await passedBy(system, 'payments');
        await payments.signal('SIGKILL');
        say(`payments is killed, ${kill} of ${KILLS}`);
        await payments.restart();
        // The next kill comes as soon as it has begun to catch up.
        if (kill < KILLS)
          await eventually(
            'payments goes on',
            async () => (await passedBy(system, 'payments')) > before,
            TAKEN_OVER_WITHIN_MS,
          );
      }
    }),
  ROUNDS * ROUND_MS,
);

/** How many partitions a process was given last. */
const partitionsOf = (process: string): number | undefined => {
  const line = system.log.lines(process).findLast(({ msg }) => /^payments reads \d+ partitions$/.test(msg));
  return line === undefined ? undefined : Number(line['partitions']);
};

it(
  'two owners of one partition: one of payments is frozen with a batch in hand, the other takes over, the first comes back with it',
  async () => {
    const proxy = await startPostgresProxy(system.databaseUrl);
    const second = await system.another('payments', 'payments-2', { DATABASE_URL: proxy.url });
    const moved = () =>
      system.log.lines('payments-2').filter(({ msg }) => msg.startsWith('the ledger was moved by someone else')).length;
    try {
      await underLoad(system, 'two owners of one partition', async (load) => {
        await eventually(
          'both work',
          () =>
            [partitionsOf('payments'), partitionsOf('payments-2')].every(
              (count) => count !== undefined && count > 0 && count < PARTITIONS,
            ),
          TAKEN_OVER_WITHIN_MS,
        );
        await load.answered(DELIVERIES * 0.2);
        // A transaction that had its ledger rows already would keep the other owner out, as it should.
        proxy.holdFrom('dakia_ledger_lock');
        await eventually('it has sent a batch to Postgres', () => proxy.holds());
        await second.signal('SIGSTOP');
        say('one of two payments is frozen');
        await eventually('the other takes over', () => partitionsOf('payments') === PARTITIONS, TAKEN_OVER_WITHIN_MS);
        await load.done;
        await system.drained();
        const before = moved();
        proxy.release();
        await second.signal('SIGCONT');
        say('it comes back with a batch that is long applied');
        await eventually('its batch is refused', () => moved() > before, TAKEN_OVER_WITHIN_MS);
        await eventually(
          'both work again',
          () =>
            [partitionsOf('payments'), partitionsOf('payments-2')].every(
              (count) => count !== undefined && count > 0 && count < PARTITIONS,
            ),
          TAKEN_OVER_WITHIN_MS,
        );
      });
    } finally {
      proxy.release();
      await second.signal('SIGCONT');
      await second.signal('SIGKILL');
      proxy.close();
    }
  },
  ROUNDS * ROUND_MS,
);
