import { inspect } from 'node:util';
import { allAggregates } from '#families';
import type { Aggregate } from '#families';
import { bareSnapshot } from '#kit/arrive';
import { eventId, fromEpochSeconds } from '#rules';
import type { EntityState, JsonRecord, Snapshot } from '#rules';
import { phases } from '../families/dispute/fields.ts';
import { eventsOf } from './events.ts';
import type { EventName } from './events.ts';
import { factKinds, factSpec } from './facts.ts';
import { familyNames } from './families.ts';
import type { Family } from './families.ts';

const aggregates: readonly Aggregate[] = allAggregates;
const cases = aggregates.map((aggregate) => [aggregate.family, aggregate] as const);

/** Every event, with every status that its snapshot may show and, for disputes, in every phase. */
const snapshotsOf = (aggregate: Aggregate): readonly Omit<Snapshot, 'eventId'>[] => [
  ...byStatus(aggregate),
  ...(moreSubjects[aggregate.family] ?? []).flatMap((subject) =>
    eventsOf(aggregate.family).map((event) => ({
      ...bareSnapshot(event),
      occurredAt: fromEpochSeconds(1_700_000_000),
      subject,
    })),
  ),
];

/** Subjects whose values tell something beside their status. */
const moreSubjects: Partial<Record<Family, readonly JsonRecord[]>> = {
  payments: [{ status: 'captured', amount: 100, amount_refunded: 101 }],
  downtimes: [{ severity: 'low' }, { severity: 'high' }],
  disputes: [{ respond_by: 1_700_100_000 }, { respond_by: 1_700_200_000 }],
  accounts: [
    { live: true, suspended_at: null, hold_funds: true, updated_at: 1_700_000_050 },
    { live: true, suspended_at: null, hold_funds: false, updated_at: 1_700_000_100 },
    { activation_details: { status: 'verification_failed' } },
  ],
  fund_accounts: [{ status: 'completed', results: { account_status: 'invalid' } }],
};

const byStatus = ({ family, statuses }: Aggregate): readonly Omit<Snapshot, 'eventId'>[] =>
  eventsOf(family).flatMap((event: EventName) =>
    [undefined, ...statuses].flatMap((status) =>
      (family === 'disputes' ? phases : [undefined]).map((phase) => {
        const subject: JsonRecord = {
          ...(status === undefined ? {} : { status }),
          ...(phase === undefined ? {} : { phase }),
        };
        return { ...bareSnapshot(event), occurredAt: fromEpochSeconds(1_700_000_000), subject };
      }),
    ),
  );

/**
 * All kinds that the histories of one and two events tell: each status is reached from every other that can lead to it.
 */
const toldBy = (aggregate: Aggregate): ReadonlySet<string> => {
  const told = new Set<string>();
  const step = (before: EntityState | undefined, snapshot: Snapshot): EntityState | undefined => {
    const verdict = aggregate.apply(before, snapshot);
    if (verdict.kind === 'rejected') return before;
    for (const { kind } of verdict.facts) told.add(kind);
    return verdict.next;
  };
  const snapshots = snapshotsOf(aggregate);
  const reached = new Set<string>();
  for (const first of snapshots) {
    const state = step(undefined, { ...first, eventId: eventId('event_1') });
    // From the same state the same follows: half of the first events lead to one that another has led to.
    const name = inspect(state, { depth: null });
    if (reached.has(name)) continue;
    reached.add(name);
    for (const second of snapshots) step(state, { ...second, eventId: eventId('event_2') });
  }
  return told;
};

describe('catalogue of facts', () => {
  test('every family has its aggregate here', () => {
    expect(aggregates.map(({ family }) => family).toSorted()).toEqual([...familyNames].toSorted());
  });

  test.each(cases)('%s: what its lifecycle tells is what the catalogue lists', (family, aggregate) => {
    // What several rows show together: libs/apply/across-rows.integration.test.ts.
    const listed = factKinds.filter((kind) => factSpec(kind).family === family && factSpec(kind).isAcross !== true);
    const told = toldBy(aggregate);
    expect([
      ...[...told]
        .filter((kind) => !listed.some((one) => one === kind))
        .map((kind) => `libs/domain/catalogue/facts.ts lacks '${kind}', which ${family} tell`),
      ...listed
        .filter((kind) => !told.has(kind))
        .map(
          (kind) =>
            `libs/domain/catalogue/facts.ts lists '${kind}', which no history of ${family} tells: tell it in the family's lifecycle.ts`,
        ),
    ]).toEqual([]);
  });
});
