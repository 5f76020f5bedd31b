import { entityId, eventId, fromEpochSeconds } from './brands.ts';
import { clearable, column, ever, highest, latest, lowest } from './field.ts';
import type { Field, Snapshot } from './field.ts';
import type { JsonRecord } from './json.ts';
import { byRankThenTime, observe, onOccurrence, onStatusChange, reducerOf } from './lifecycle.ts';
import type { EntityState, Lifecycle } from './lifecycle.ts';

type Status = 'new' | 'done';
type Event = 'begin' | 'end';

const fields = {
  name: column('name', latest.text('name')),
  error: column('error', clearable.text('error')),
  paid: column('paid', highest.integer('paid')),
  begun: column('begun', lowest.time('begun')),
  seen: column('seen', ever.flag('seen')),
  raw: column('raw', latest.json('raw', 'a.b')),
} as const satisfies Record<string, Field>;

const lifecycle: Lifecycle<Status, Event> = {
  statuses: ['new', 'done'],
  table: {
    absent: { begin: { to: 'new' }, end: { to: 'done' } },
    new: { begin: { to: 'new' }, end: { to: 'done' } },
    done: { begin: 'stale', end: { to: 'done' } },
  },
  fields,
  shown: ({ subject }) => subject['status'],
  ends: ['done'],
  contradicted: null,
  order: byRankThenTime,
  facts: onStatusChange((status) => `thing.${status}`),
};

const at = (event: Event, second: number, subject: JsonRecord = {}): Snapshot<Event> => ({
  event,
  eventId: eventId(`${event}@${second}`),
  key: entityId('thing_1'),
  accountId: null,
  occurredAt: fromEpochSeconds(1_700_000_000 + second),
  subject,
  payload: {},
});

const fold = (
  rules: Lifecycle<Status, Event>,
  ...snapshots: readonly Snapshot<Event>[]
): EntityState<Status> | undefined =>
  snapshots.reduce<EntityState<Status> | undefined>((state, snapshot) => {
    const seen = observe(rules, snapshot);
    if (seen === undefined) return state;
    const verdict = reducerOf(rules)(state, seen);
    return verdict.kind === 'rejected' ? state : verdict.next;
  }, undefined);

/** What one field becomes when its values arrive as given, at times that grow with them. */
const merged = (field: keyof typeof fields, ...values: readonly unknown[]): unknown =>
  fold(lifecycle, ...values.map((value, second) => at('begin', second, { [field]: value })))?.values[field];

describe('rules of fields', () => {
  test.each([
    ['latest', merged('name', 'old', 'new'), 'new'],
    ['latest, null is unknown', merged('name', 'old', null), 'old'],
    ['latest, unreadable is unknown', merged('name', 'old', {}), 'old'],
    ['clearable', merged('error', 'old', 'new'), 'new'],
    ['clearable, null is a claim', merged('error', 'old', null), null],
    ['clearable, unreadable is unknown', merged('error', 'old', []), 'old'],
    ['highest', merged('paid', 5, 9, 7), 9],
    ['highest, null says nothing', merged('paid', 5, null), 5],
    ['lowest', merged('begun', 1_700_000_005, 1_700_000_003, 1_700_000_009), 1_700_000_003_000],
    ['lowest, zero is unset', merged('begun', 1_700_000_005, 0), 1_700_000_005_000],
    ['ever', merged('seen', false, true, false), true],
    ['ever, never', merged('seen', false, '0'), false],
  ])('%s', (_rule, found, expected) => {
    expect(found).toBe(expected);
  });

  test('a path may have keys with dots', () => {
    expect(fold(lifecycle, at('begin', 0, { raw: { 'a.b': { z: 1, y: [] } } }))?.values['raw']).toEqual({
      y: [],
      z: 1,
    });
  });
});

describe('what an event says of the status', () => {
  test('a snapshot may be further than its event; an end is none by its name alone', () => {
    expect(observe(lifecycle, at('begin', 0, { status: 'done' }))?.status).toBe('done');
    expect(observe(lifecycle, at('end', 0))?.status).toBe('done');
    expect(observe(lifecycle, at('end', 0, { status: 'new' }))).toMatchObject({
      status: 'new',
      notes: [{ kind: 'contradiction', text: 'end says done, its snapshot shows new: the snapshot counts' }],
    });
  });

  test('an event without a meaning for an unknown entity says nothing', () => {
    const rules: Lifecycle<Status, Event> = {
      ...lifecycle,
      table: { ...lifecycle.table, absent: { begin: 'rejected', end: { to: 'done' } } },
    };
    expect(observe(rules, at('begin', 0))).toBeUndefined();
  });
});

describe('verdicts', () => {
  const seen = (snapshot: Snapshot<Event>) => {
    const observation = observe(lifecycle, snapshot);
    if (observation === undefined) throw new Error('the event says nothing');
    return observation;
  };
  const done = fold(lifecycle, at('end', 5));

  test('an older snapshot is stale and still fills a gap', () => {
    expect(reducerOf(lifecycle)(done, seen(at('begin', 9, { name: 'gap' })))).toMatchObject({
      kind: 'stale',
      next: { status: 'done', values: { name: 'gap' } },
      facts: [],
    });
  });

  test('a repetition changes nothing at all', () => {
    expect(reducerOf(lifecycle)(done, seen(at('end', 5)))).toMatchObject({ kind: 'stale', next: done });
  });

  test('a cell that rejects keeps the state as it was and says what is not possible', () => {
    const strict: Lifecycle<Status, Event> = {
      ...lifecycle,
      table: { ...lifecycle.table, done: { begin: 'rejected', end: 'rejected' } },
    };
    expect(reducerOf(strict)(done, seen(at('begin', 9)))).toEqual({
      kind: 'rejected',
      reason: 'begin is not possible from done',
    });
  });

  test('lanes do not compete: the lower of two is applied, and the higher decides the status', () => {
    const lanes: Lifecycle<Status, Event> = { ...lifecycle, lane: ({ event }) => event };
    const verdict = reducerOf(lanes)(fold(lanes, at('end', 5)), observe(lanes, at('begin', 0)) ?? seen(at('begin', 0)));
    expect(verdict).toMatchObject({
      kind: 'applied',
      next: { status: 'done', marks: { begin: { status: 'new' }, end: { status: 'done' } } },
    });
  });
});

describe('facts', () => {
  const [fresh, done] = [fold(lifecycle, at('begin', 0)), fold(lifecycle, at('end', 5))] as [
    EntityState<Status>,
    EntityState<Status>,
  ];

  test('a status is told when it becomes another', () => {
    const facts = onStatusChange<Status>((status) => status);
    expect([facts(undefined, fresh), facts(fresh, done), facts(done, done)]).toEqual([
      [{ kind: 'new', occurrence: '' }],
      [{ kind: 'done', occurrence: '' }],
      [],
    ]);
  });

  test('an occurrence is told whenever it is another, under the same status too', () => {
    const facts = onOccurrence<Status>(({ status, marks }) => ({
      kind: status,
      occurrence: marks['']?.stamp.eventId ?? '',
    }));
    const again = fold(lifecycle, at('end', 5), at('end', 6)) as EntityState<Status>;
    expect(facts(done, again)).toEqual([{ kind: 'done', occurrence: 'end@6' }]);
    expect(facts(again, again)).toEqual([]);
  });
});
