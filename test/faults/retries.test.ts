import { eventually } from '#kit';
import { startSeparateSystem } from '../kit/system-processes.ts';
import type { SeparateSystem } from '../kit/system-processes.ts';
import { testsOf } from '../kit/system.ts';
import { eventsKept, nothingShows, ROUNDS, say } from './under-load.ts';

/** Longest time for one round. */
const ROUND_MS = 300_000;
/** So many attempts, each after 2 s, that none is the last one before the test is over. */
const SETTINGS = { DAKIA_RETRY_DELAYS: Array(50).fill('2s').join(',') };
const EVENTS = 2_000;
const PER_SECOND = 250;
const PARKED_MIN = 100;
/** Kills while keys are tried in vain; one more comes while they are set free. */
const KILLS = 2;
/**
 * A killed process keeps its partitions for the session timeout, and
 * the jobs that it had in hand until they count as stalled.
 */
const GOES_ON_WITHIN_MS = 60_000;
const FREE_WITHIN_MS = 150_000;

let system: SeparateSystem;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSeparateSystem(undefined, SETTINGS)), 120_000);
afterAll(() => system.close(), 60_000);

const parkedKeys = async (): Promise<number> => (await system.rows('SELECT 1 FROM parked_keys')).length;
const attempts = async (): Promise<number> =>
  Number((await system.rows<{ n: string }>('SELECT coalesce(sum(attempts), 0) AS n FROM parked_keys'))[0]?.n);

it(
  'kill -9 of a service while it tries hundreds of parked entities: the end is that of an undisturbed run',
  async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const before = await eventsKept(system);
      // A bug that shows on two entities of five.
      await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT bug CHECK (payment_id !~ '[a-z]$') NOT VALID`);
      const load = system.load({ count: EVENTS, rate: PER_SECOND, duplicates: 0.2, shuffle: true, retry: true });
      const report = await load.done;
      const payments = system.service('payments');

      for (let kill = 1; kill <= KILLS; kill += 1) {
        const tried = await attempts();
        const enough = Math.max(PARKED_MIN, await parkedKeys());
        await eventually(
          'each is tried about once more',
          async () => (await attempts()) >= tried + enough,
          GOES_ON_WITHIN_MS,
        );
        await payments.signal('SIGKILL');
        say(`payments is killed with ${await parkedKeys()} parked entities, ${kill} of ${KILLS}`);
        await payments.restart();
      }
      await system.drained(GOES_ON_WITHIN_MS);
      const waiting = await parkedKeys();
      expect(waiting).toBeGreaterThan(PARKED_MIN);

      await system.rows('ALTER TABLE payment_transactions DROP CONSTRAINT bug');
      await eventually('the first are free', async () => (await parkedKeys()) < waiting, GOES_ON_WITHIN_MS);
      await payments.signal('SIGKILL');
      const left = await parkedKeys();
      say(`payments is killed when ${waiting - left} of ${waiting} are free`);
      expect(left).toBeGreaterThan(0);
      await payments.restart();
      await eventually('all are free', async () => (await parkedKeys()) === 0, FREE_WITHIN_MS);

      await nothingShows(system, load.run, before + EVENTS, report.unexpected);
      expect(await system.rows('SELECT 1 FROM dead_letters')).toEqual([]);
      say(`round ${round} of ${ROUNDS}: applied, adds up, equal`);
    }
  },
  ROUNDS * ROUND_MS,
);
