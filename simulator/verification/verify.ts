import { createHash } from 'node:crypto';
import { allAggregates } from '#families';
import type { Transaction } from '#platform/postgres';
import { until } from '#platform/time';
import { expectedEntities } from '../expected.ts';
import type { ExpectedEntity } from '../expected.ts';
import { simulation } from '../simulation.ts';
import type { Simulation, SimulationSettings } from '../simulation.ts';
import { compareEnds, compareEvent, compareRow } from './compare.ts';
import type { Difference } from './compare.ts';
import { readEvents, readRows } from './read.ts';

export interface VerifyReport {
  readonly ok: boolean;
  /** What was compared. */
  readonly events: number;
  readonly entities: number;
  readonly differences: number;
  /** The first of them. */
  readonly shown: readonly Difference[];
}

const DIFFERENCES_SHOWN = 50;
/** Between two looks while the consumers are still catching up, in ms. */
const LOOK_EVERY_MS = 500;

/**
 * Compares Postgres with the end state of the simulation, and looks again until they are equal or `waitMs` are over.
 * Only rows of this simulation's entities are read.
 */
export const verify = async (
  db: Pick<Transaction, 'query'>,
  settings: SimulationSettings,
  waitMs: number,
): Promise<VerifyReport> => {
  const told = simulation(settings);
  const entities = expectedEntities(told.events);
  const rules = compareEnds(entities, told.ends);
  let differences: readonly Difference[] = [];
  const isDecided = async (): Promise<boolean> => {
    differences = [...rules, ...(await compareEvents(db, told)), ...(await compareRows(db, entities))];
    return differences.length === 0 || rules.length > 0;
  };
  await until(waitMs, isDecided, LOOK_EVERY_MS);
  return {
    ok: differences.length === 0,
    events: told.events.length,
    entities: entities.length,
    differences: differences.length,
    shown: differences.slice(0, DIFFERENCES_SHOWN),
  };
};

const compareEvents = async (
  db: Pick<Transaction, 'query'>,
  { events }: Simulation,
): Promise<readonly Difference[]> => {
  const found = await readEvents(
    db,
    events.map(({ eventId }) => eventId),
  );
  return events.flatMap((event) =>
    compareEvent(event, createHash('sha256').update(event.body).digest('hex'), found.get(event.eventId)),
  );
};

const compareRows = async (
  db: Pick<Transaction, 'query'>,
  entities: readonly ExpectedEntity[],
): Promise<readonly Difference[]> => {
  const differences: Difference[] = [];
  for (const aggregate of allAggregates) {
    const mine = entities.filter((entity) => entity.aggregate === aggregate);
    if (mine.length === 0) continue;
    const rows = await readRows(
      db,
      aggregate,
      mine.map(({ key }) => key),
    );
    differences.push(...mine.flatMap((entity) => compareRow(entity, rows.get(entity.key))));
  }
  return differences;
};
