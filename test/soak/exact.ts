import assert from 'node:assert/strict';
import { eventually } from '#kit';
import type { SimulationSettings } from '#simulator';
import type { SeparateSystem } from '../kit/system-processes.ts';

/** A killed member keeps its partitions for a session, and the jobs that it had until they count as stalled. */
const DRAINED_WITHIN_MS = 150_000;

/** What must be there: every event of these simulations, and `discarded` further ones that operators gave up. */
export interface Expected {
  readonly runs: readonly SimulationSettings[];
  readonly discarded: number;
}

/** Every acknowledged event is kept once and accounted for, and the rows are those that its simulation ends in. */
export const demandExact = async (system: SeparateSystem, { runs, discarded }: Expected): Promise<void> => {
  const account = await eventually(
    'every accepted event is applied, and nothing is parked',
    async () => {
      const now = await system.status();
      if (now.partitions.every(({ lag }) => lag === 0) && now.totals.parked === 0) return now;
      throw new Error(`lag ${now.totals.lag}, parked ${now.totals.parked}`);
    },
    DRAINED_WITHIN_MS,
  );
  const { difference, totals, partitions } = account;
  assert.deepEqual(
    { difference, dead: totals.dead, problems: partitions.filter(({ problem }) => problem !== null) },
    { difference: 0, dead: discarded, problems: [] },
  );
  const events = runs.reduce((sum, { count }) => sum + count, discarded);
  const count = async (sql: string): Promise<number> => Number((await system.rows<{ n: string }>(sql))[0]?.n);
  assert.equal(
    await count('SELECT count(*) AS n FROM webhook_events WHERE sighting IS NULL'),
    events,
    'events that are kept',
  );
  assert.deepEqual(
    await system.rows(
      `SELECT razorpay_event_id, count(*) FROM audit_logs WHERE action = 'event' AND verdict <> 'sighted' GROUP BY 1
        HAVING count(*) <> 1 LIMIT 5`,
    ),
    [],
    'events that were decided more than once',
  );
  for (const run of runs) {
    const { ok, shown } = await system.verify(run);
    assert.ok(ok, `rows differ from those of the simulation ${run.seed}: ${JSON.stringify(shown).slice(0, 2_000)}`);
  }
  assert.deepEqual(system.deaths(), [], 'services that ended by themselves');
};
