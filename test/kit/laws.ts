import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { eventNames, eventsOf, eventSpec, sightedFamily } from '#catalogue';
import type { EventName } from '#catalogue';
import type { Aggregate } from '#families';
import {
  entityId,
  eventId,
  fromEpochSeconds,
  fromMergeRecord,
  isStamped,
  observe,
  readText,
  reducerOf,
  sightedAt,
  toMergeRecord,
} from '#rules';
import type { EntityState, Field, FieldValue, Instant, JsonRecord, Lifecycle, MergeRecord, Snapshot } from '#rules';

/** Random histories per law; each is applied in several orders. */
const LAW_RUNS = 300;
/** Longer histories find nothing that these do not, and shrink worse. */
const HISTORY_LENGTH_MAX = 9;
/** Epoch seconds. Few, so that equal times are common; the first is what the tables of transitions use as "earlier". */
const TIMES = [1_700_000_000, 1_700_000_001, 1_700_000_060, 1_700_086_400];
/** When every event was received, and a time that no event can have. */
const [RECEIVED_AT, FAR_AHEAD] = [fromEpochSeconds(1_700_090_000), fromEpochSeconds(1_731_626_000)];
const KEY = entityId('entity_00000000000001');

type Values = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** How the events of one family look. */
export interface FamilyFixture {
  readonly aggregate: Aggregate;
  /** Values of the subject's keys. Every key is also left out and set to null; `status` is added by itself. */
  readonly subject: (event: EventName) => Values;
  /** Values of keys beside the subject, below `payload`. */
  readonly beside?: Values;
  /** Columns that an event's name alone fills, without any snapshot. */
  readonly said?: (event: EventName) => Readonly<Record<string, FieldValue>>;
  /**
   * The kind of the fact that says that a state has come about, told
   * at least once on the way there; null for one that is no news.
   */
  readonly finalFact: (state: EntityState) => string | null;
}

/**
 * One history of one entity, and one way in which it may arrive:
 * indexes into the history, repeats included, cut into batches.
 */
interface History {
  readonly events: readonly Snapshot[];
  readonly batches: readonly (readonly number[])[];
}

/** Any value of `values`, null, or nothing at all. */
const sometimes = (values: Values): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }),
      ]),
    ),
    { requiredKeys: [] },
  );

const snapshotOf = (fixture: FamilyFixture, event: EventName): fc.Arbitrary<Omit<Snapshot, 'eventId'>> =>
  fc
    .record({
      occurredAt: fc.oneof(fc.constant(null), fc.constantFrom(...TIMES).map(fromEpochSeconds), fc.constant(FAR_AHEAD)),
      receivedAt: fc.constant(RECEIVED_AT),
      accountId: fc.constantFrom(null, 'acc_00000000000001', 'acc_00000000000002'),
      subject: sometimes({
        status: fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...fixture.aggregate.statuses) },
          {
            weight: 1,
            arbitrary: fc.constantFrom(...fixture.aggregate.statuses).map((status) => status.toUpperCase()),
          },
          { weight: 2, arbitrary: fc.constantFrom('brand_new', '', 7) },
        ),
        ...fixture.subject(event),
      }),
      payload: sometimes(fixture.beside ?? {}),
    })
    .map((parts) => ({ event, key: KEY, ...parts }));

/** The events of other families beside whose subject an entity of this one is seen. */
const sightedBy = ({ aggregate }: FamilyFixture): readonly EventName[] =>
  eventNames.filter((event) => eventSpec(event).beside?.some((part) => sightedFamily(part) === aggregate.family));

/** The same entity, as it stands beside another event's subject. */
const sightingOf = (fixture: FamilyFixture, event: EventName): fc.Arbitrary<Omit<Snapshot, 'eventId'>> =>
  snapshotOf(fixture, event).map((snapshot) => ({
    ...snapshot,
    occurredAt: sightedAt(snapshot.subject, snapshot.occurredAt, snapshot.receivedAt),
    isSighting: true,
  }));

const historyOf = (fixture: FamilyFixture): fc.Arbitrary<History> => {
  const one = fc.oneof(
    ...eventsOf(fixture.aggregate.family).map((event) => snapshotOf(fixture, event)),
    ...sightedBy(fixture).map((event) => sightingOf(fixture, event)),
  );
  const id = fc.integer({ min: 0, max: 99 });
  return fc
    .uniqueArray(fc.tuple(id, one), { minLength: 1, maxLength: HISTORY_LENGTH_MAX, selector: ([number]) => number })
    .map((entries) =>
      entries.map(
        ([number, snapshot]): Snapshot => ({
          ...snapshot,
          eventId: eventId(`event_${String(number).padStart(2, '0')}`),
        }),
      ),
    )
    .chain((events) => fc.record({ events: fc.constant(events), batches: batchesOf(events.length) }));
};

/** Every index at least once, some again, in any order, cut anywhere. */
const batchesOf = (length: number): fc.Arbitrary<number[][]> => {
  const all = Array.from({ length }, (_, index) => index);
  return fc
    .array(fc.nat(length - 1), { maxLength: 3 })
    .chain((again) => fc.shuffledSubarray([...all, ...again], { minLength: length + again.length }))
    .chain((order) =>
      fc.array(fc.boolean(), { minLength: order.length, maxLength: order.length }).map((cuts) => cut(order, cuts)),
    );
};

const cut = (order: readonly number[], cuts: readonly boolean[]): number[][] =>
  order.reduce<number[][]>((batches, index, at) => {
    const last = batches.at(-1);
    if (last === undefined || cuts[at] === true) return [...batches, [index]];
    last.push(index);
    return batches;
  }, []);

/** What one arrival leaves behind: all that Postgres, the audit and the policies see of it. */
interface Outcome {
  readonly state: EntityState | undefined;
  /** Every state on the way, in order of arrival. */
  readonly path: readonly EntityState[];
  readonly rejected: ReadonlySet<string>;
  readonly facts: ReadonlySet<string>;
}

/** Writes a state as columns and merge record and reads it again, the way the store does between two batches. */
const throughStore = (aggregate: Aggregate, state: EntityState): EntityState => {
  const columns = Object.fromEntries(Object.keys(aggregate.fields).map((name) => [name, state.values[name] ?? null]));
  const stamped = new Set(
    Object.entries(aggregate.fields)
      .filter(([, field]) => isStamped(field))
      .map(([name]) => name),
  );
  const stored = JSON.parse(JSON.stringify({ columns, record: toMergeRecord(state) })) as {
    columns: Record<string, FieldValue>;
    record: MergeRecord;
  };
  return fromMergeRecord(state.status, stored.record, stored.columns, stamped);
};

/** Applies batches of snapshots in the order given; between batches the state goes through the store's form. */
export const arrive = (aggregate: Aggregate, batches: readonly (readonly Snapshot[])[]): Outcome => {
  let state: EntityState | undefined;
  const path: EntityState[] = [];
  const rejected = new Set<string>();
  const facts = new Set<string>();
  for (const batch of batches) {
    if (state !== undefined) state = throughStore(aggregate, state);
    for (const snapshot of batch) {
      const verdict = aggregate.apply(state, snapshot);
      if (verdict.kind === 'rejected') {
        rejected.add(snapshot.eventId);
        continue;
      }
      state = verdict.next;
      path.push(state);
      for (const fact of verdict.facts) facts.add(fact.kind);
    }
  }
  return { state, path, rejected, facts };
};

const arrivalOf = (aggregate: Aggregate, { events, batches }: History): Outcome =>
  arrive(
    aggregate,
    batches.map((batch) => batch.map((index) => events[index]).filter((event) => event !== undefined)),
  );

const inOrder = (aggregate: Aggregate, { events }: History): Outcome => arrive(aggregate, [events]);

/** What a column of each type takes; a value outside would park its key in Postgres. */
const fits = (field: Field, value: FieldValue): boolean => {
  if (value === null) return field.rule === 'clearable';
  switch (field.type) {
    case 'text':
      return typeof value === 'string' && value !== '' && !value.includes('\u0000') && value.isWellFormed();
    case 'bigint':
    case 'timestamptz':
      return Number.isSafeInteger(value) && !Object.is(value, -0);
    case 'boolean':
      return typeof value === 'boolean';
    case 'jsonb':
      return !JSON.stringify(value).includes('\\u0000');
  }
};

/** Says what differs. jest's own comparison takes longer than all else in a law: it is asked where something does. */
const same = (found: unknown, wanted: unknown): void => {
  if (!isDeepStrictEqual(found, wanted)) expect(found).toEqual(wanted);
};

const check = (fixture: FamilyFixture, law: (history: History) => void): void => {
  fc.assert(fc.property(historyOf(fixture), law), { numRuns: LAW_RUNS });
};

/** Registers the laws that every family obeys, as tests of the surrounding `describe`. */
export const obeysTheLaws = (fixture: FamilyFixture): void => {
  const { aggregate } = fixture;
  const rules = Object.entries(aggregate.fields);

  test('any order, repetition and cut into batches ends in the same row', () => {
    check(fixture, (history) => {
      const [there, here] = [arrivalOf(aggregate, history).state, inOrder(aggregate, history).state];
      same(there, here);
      if (there !== undefined && here !== undefined) same(toMergeRecord(there), toMergeRecord(here));
    });
  });

  test('the audit concludes the same: the same events rejected, the same status', () => {
    check(fixture, (history) => {
      const [there, here] = [arrivalOf(aggregate, history), inOrder(aggregate, history)];
      same(there.rejected, here.rejected);
      expect(there.state?.status).toBe(here.state?.status);
    });
  });

  test('a state is the same after the store has written and read it', () => {
    check(fixture, (history) => {
      for (const state of arrivalOf(aggregate, history).path) same(throughStore(aggregate, state), state);
    });
  });

  test('no number that only grows ever shrinks, and what was ever true stays true', () => {
    check(fixture, (history) => {
      const { path } = arrivalOf(aggregate, history);
      for (const [name, { rule }] of rules) {
        const seen = path.map((state) => state.values[name]).filter((value) => value !== undefined);
        if (rule === 'highest' || rule === 'ever')
          same(
            seen.map(Number),
            seen.map(Number).toSorted((a, b) => a - b),
          );
        if (rule === 'lowest')
          same(
            seen.map(Number),
            seen.map(Number).toSorted((a, b) => b - a),
          );
      }
    });
  });

  test('no status outside the list, no value that its column does not take', () => {
    check(fixture, (history) => {
      for (const { status, values } of arrivalOf(aggregate, history).path) {
        expect(aggregate.statuses).toContain(status);
        const misfits = rules.filter(([name, field]) => values[name] !== undefined && !fits(field, values[name]));
        same(
          misfits.map(([name]) => [name, values[name]]),
          [],
        );
        same(
          Object.keys(values).filter((name) => !Object.hasOwn(aggregate.fields, name)),
          [],
        );
      }
    });
  });

  test('the fact of the final status is told on every way to it', () => {
    check(fixture, (history) => {
      const { state, facts } = arrivalOf(aggregate, history);
      const kind = state === undefined ? null : fixture.finalFact(state);
      if (kind !== null) expect(facts).toContain(kind);
    });
  });

  test('no end comes of a name where every snapshot shows a status: some snapshot showed it', () => {
    check(fixture, ({ events, batches }) => {
      const shown = events.map((event): Snapshot => {
        const { status, ...subject } = event.subject;
        return { ...event, subject: { ...subject, status: readText(status) ?? aggregate.statuses[0] } };
      });
      const { state } = arrivalOf(aggregate, { events: shown, batches });
      if (state === undefined || !aggregate.ends.includes(state.status)) return;
      expect(shown.map(({ subject }) => String(subject['status']).toLowerCase())).toContain(state.status);
    });
  });

  test('a time far after its reception stands nowhere', () => {
    check(fixture, (history) => {
      const { state } = arrivalOf(aggregate, history);
      expect(state?.values['last_event_at']).not.toBe(FAR_AHEAD);
      expect(JSON.stringify(state?.stamps ?? {})).not.toContain(String(FAR_AHEAD));
    });
  });

  test('any JSON at all as the subject is applied without an error', () => {
    const names = [...new Set(eventsOf(aggregate.family).flatMap((event) => Object.keys(fixture.subject(event))))];
    const key = fc.oneof(fc.constantFrom('status', '__proto__', 'constructor', 'toString', ...names), fc.string());
    const odd = fc.dictionary(key, fc.jsonValue({ stringUnit: 'binary' }));
    fc.assert(
      fc.property(fc.constantFrom(...eventsOf(aggregate.family)), odd, odd, (event, subject, payload) => {
        const { state } = arrive(aggregate, [[{ ...bareSnapshot(event), subject, payload }]]);
        if (state === undefined) throw new Error(`${event} was rejected`);
        const misfits = rules.filter(([name, field]) => !fits(field, state.values[name] ?? emptyOf(field)));
        same(
          misfits.map(([name]) => [name, state.values[name]]),
          [],
        );
        same(throughStore(aggregate, state), state);
      }),
      { numRuns: LAW_RUNS },
    );
  });

  test.each(eventsOf(aggregate.family))(
    '%s with nothing but its id is applied; what is absent stays unknown',
    (event) => {
      const { state } = arrive(aggregate, [[bareSnapshot(event)]]);
      expect(state?.values).toEqual({ last_event_id: BARE_EVENT, last_event_at: null, ...fixture.said?.(event) });
    },
  );
};

/** A value that stands for "nothing was said" and fits every column of the field's type. */
const emptyOf = ({ type }: Field): FieldValue =>
  type === 'text' ? 'unknown' : type === 'boolean' ? false : type === 'jsonb' ? {} : 0;

const BARE_EVENT = 'event_bare';
/** The least that an event can say: its name and, in the key, which entity it is about. */
export const bareSnapshot = (event: EventName): Snapshot => ({
  event,
  eventId: eventId(BARE_EVENT),
  key: KEY,
  accountId: null,
  occurredAt: null,
  subject: {},
  payload: {},
});

/** An instant before and one after, for a state and for the event that meets it. */
const [EARLIER, LATER] = [fromEpochSeconds(1_700_000_000), fromEpochSeconds(1_700_086_400)];

/**
 * Registers one test per cell of a family's table: a state with the row's status, reached earlier, meets the column's
 * event. `{to}` means applied with that status afterwards, `stale` that the status stays and the audit says stale.
 */
export const followsItsTable = <Status extends string, Event extends EventName>(
  lifecycle: Lifecycle<Status, Event>,
  subjectOf: (event: Event) => JsonRecord = () => ({}),
): void => {
  const reduce = reducerOf(lifecycle);
  const eventNames = Object.keys(lifecycle.table.absent) as Event[];
  const snapshotAt = (event: Event, occurredAt: Instant, id: string): Snapshot<Event> => ({
    ...bareSnapshot(event),
    event,
    eventId: eventId(id),
    occurredAt,
    subject: subjectOf(event),
  });
  const stateWith = (status: Status): EntityState<Status> => {
    const snapshot = snapshotAt(eventNames[0] as Event, EARLIER, 'event_before');
    const stamp = { order: lifecycle.order(snapshot, lifecycle.statuses.indexOf(status)), eventId: snapshot.eventId };
    const lane = lifecycle.lane?.(snapshot, status) ?? MAIN_LANE;
    return { status, marks: { [lane]: { stamp, status } }, values: {}, stamps: {} };
  };
  const cells = (['absent', ...lifecycle.statuses] as const).flatMap((from) =>
    eventNames.map((event) => ({ from, event, move: lifecycle.table[from][event] })),
  );

  test.each(
    cells.map(
      (cell) =>
        [`${cell.from} + ${cell.event} → ${typeof cell.move === 'string' ? cell.move : cell.move.to}`, cell] as const,
    ),
  )('%s', (_name, { from, event, move }) => {
    const before = from === 'absent' ? undefined : stateWith(from);
    const seen = observe(lifecycle, snapshotAt(event, LATER, 'event_now'));
    if (seen === undefined) throw new Error(`${event} says nothing, so its column has no meaning`);
    const verdict = reduce(before, seen);
    const found = verdict.kind === 'applied' || verdict.kind === 'kept' ? { to: verdict.next.status } : verdict.kind;
    expect(found).toEqual(move);
    if (verdict.kind === 'stale') expect(verdict.next.status).toBe(before?.status);
  });
};

const MAIN_LANE = '';
