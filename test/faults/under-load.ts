import type { SimulationSettings } from '#simulator';
import type { SeparateSystem } from '../kit/system-processes.ts';
import type { RunningLoad, SystemFixture } from '../kit/system-fixture.ts';

/** Every fault happens this often, each time under a load of its own. CI has time for one. */
export const ROUNDS = Math.max(1, Number(process.env['DAKIA_FAULT_ROUNDS'] ?? 1));

/** Events of one load, first deliveries per second, and the share that is delivered twice. */
const EVENTS = 2_000;
const PER_SECOND = 250;
const AGAIN = 0.2;
/** Deliveries of one load, retries left out. */
export const DELIVERIES = EVENTS + EVENTS * AGAIN;

/** The simulator's day is 72 s long (COMPRESSION): a fault of some seconds is over long before a sender gives up. */
const DRAINED_WITHIN_MS = 120_000;

export const say = (text: string): void => void process.stdout.write(`  faults: ${text}\n`);

/** Sends like Razorpay while `faults` happen, and then demands that nothing shows of them. */
export const underLoad = async (
  system: SeparateSystem,
  what: string,
  faults: (load: RunningLoad) => Promise<void>,
): Promise<void> => {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const began = performance.now();
    const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
    const before = await eventsKept(system);
    const load = system.load({ count: EVENTS, rate: PER_SECOND, duplicates: AGAIN, shuffle: true, retry: true });
    const harmed = faults(load);
    // Heard at once, so that a failure of the faults does not go unhandled while the load goes on.
    const [report] = await Promise.all([load.done, harmed]);
    say(
      `${what}, round ${round} of ${ROUNDS}: ${report.sent} requests, ${report.retried} of them retries, answers ` +
        `${JSON.stringify(report.answers)} (${seconds()})`,
    );
    await nothingShows(system, load.run, before + EVENTS, report.unexpected);
    say(`${what}, round ${round} of ${ROUNDS}: applied, adds up, equal (${seconds()})`);
  }
};

/** Records that the consumers of one group have passed so far. */
export const passedBy = async (system: SystemFixture, group: string): Promise<number> =>
  Number(
    (
      await system.rows<{ n: string }>(
        'SELECT coalesce(sum(next_offset - first_offset), 0) AS n FROM partition_ledger WHERE consumer_group = $1',
        [group],
      )
    )[0]?.n,
  );

export const eventsKept = async (system: SystemFixture): Promise<number> =>
  Number((await system.rows<{ n: string }>('SELECT count(*) AS n FROM webhook_events WHERE sighting IS NULL'))[0]?.n);

/**
 * Every delivery was acknowledged in the end, every acknowledged one
 * is there once, the account adds up, the rows are equal.
 */
export const nothingShows = async (
  system: SeparateSystem,
  run: SimulationSettings,
  events: number,
  unexpected: number,
  drainedWithinMs = DRAINED_WITHIN_MS,
): Promise<void> => {
  expect(unexpected).toBe(0);
  const account = await system.drained(drainedWithinMs);
  expect({
    ok: account.ok,
    difference: account.difference,
    lag: account.totals.lag,
    parked: account.totals.parked,
    dead: account.totals.dead,
  }).toEqual({ ok: true, difference: 0, lag: 0, parked: 0, dead: 0 });
  expect(await system.verify(run)).toMatchObject({ ok: true, shown: [] });
  expect(await eventsKept(system)).toBe(events);
  expect(
    await system.rows(
      `SELECT razorpay_event_id FROM audit_logs WHERE action = 'event' AND verdict <> 'sighted'
        GROUP BY razorpay_event_id HAVING count(*) <> 1`,
    ),
  ).toEqual([]);
  expect(await system.rows("SELECT count(*)::int AS rows FROM audit_logs WHERE verdict <> 'sighted'")).toEqual([
    { rows: events },
  ]);
  expect(system.deaths()).toEqual([]);
};
