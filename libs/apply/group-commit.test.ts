import { createGroupCommit } from './group-commit.ts';
import type { Submit } from './group-commit.ts';
import type { Range } from './apply-ranges.ts';
import { placeName } from './ledger.ts';

const range = (partition: number, events = 1, bytes = 10): Range => ({
  ledger: { group: 'g', topic: 't', partition },
  firstOffset: 0n,
  nextOffset: BigInt(events),
  arrivals: Array.from({ length: events }, () => ({ body: Buffer.alloc(bytes) }) as never),
});
const names = (ranges: readonly Range[]): string => ranges.map(({ ledger }) => ledger.partition).join(' ');
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

interface Answer {
  readonly applied: readonly Range[];
  readonly moved: readonly Range[];
}
interface Group {
  readonly ranges: readonly Range[];
  readonly done: PromiseWithResolvers<Answer>;
}

/** A committer whose transactions and lanes end when the test says so. */
const watched = (gathered?: (seconds: number) => void, besideFrom = Infinity) => {
  const groups: Group[] = [];
  const lanes: { readonly range: Range; readonly done: PromiseWithResolvers<'applied' | 'moved'> }[] = [];
  const submit = createGroupCommit({
    bounds: { events: 100, bytes: 10_000, lanes: 2, besideFrom },
    together: (ranges) => {
      const done = Promise.withResolvers<Answer>();
      groups.push({ ranges, done });
      return done.promise;
    },
    alone: (one) => {
      const done = Promise.withResolvers<'applied' | 'moved'>();
      lanes.push({ range: one, done });
      return done.promise;
    },
    mayPassInParts: (error) => error instanceof Error && error.message === 'refused',
    ...(gathered && { gathered }),
  });
  return { submit, groups, lanes };
};
const end = (group: Group | undefined, answer: Partial<Answer> = { applied: group?.ranges ?? [] }): void =>
  group?.done.resolve({ applied: [], moved: [], ...answer });
const send = (submit: Submit, one: Range, signal = new AbortController().signal) =>
  submit(one, signal, () => undefined);

test('what comes while a transaction runs goes into the next one, all together', async () => {
  const { submit, groups } = watched();
  const first = send(submit, range(0));
  await turn();
  const later = [1, 2, 3].map((partition) => send(submit, range(partition)));
  await turn();
  expect(groups.map(({ ranges }) => names(ranges))).toEqual(['0']);
  end(groups[0]);
  expect(await first).toBe('applied');
  await turn();
  expect(groups.map(({ ranges }) => names(ranges))).toEqual(['0', '1 2 3']);
  end(groups[1]);
  expect(await Promise.all(later)).toEqual(['applied', 'applied', 'applied']);
});

test('when much has gathered a second transaction begins beside the first, and no third; little waits for its turn', async () => {
  const { submit, groups } = watched(undefined, 50);
  const begun = (): readonly string[] => groups.map(({ ranges }) => names(ranges));
  void send(submit, range(0, 90));
  await turn();
  const second = [range(1, 30), range(2, 20)].map((one) => send(submit, one));
  await turn();
  expect(begun()).toEqual(['0', '1 2']);
  void send(submit, range(3, 80));
  await turn();
  expect(begun()).toEqual(['0', '1 2']);
  end(groups[1]);
  expect(await Promise.all(second)).toEqual(['applied', 'applied']);
  await turn();
  expect(begun()).toEqual(['0', '1 2', '3']);
  end(groups[0]);
  await turn();
  void send(submit, range(4, 49));
  await turn();
  expect(begun()).toHaveLength(3);
  end(groups[2]);
  await turn();
  expect(begun()).toEqual(['0', '1 2', '3', '4']);
});

test('a range in hand is told that it gets on when its transaction begins, and how long it waited', async () => {
  const waited: number[] = [];
  const told: string[] = [];
  const { submit, groups } = watched((seconds) => waited.push(seconds));
  const tell = (name: string) => () => void told.push(name);
  void submit(range(0), new AbortController().signal, tell('first'));
  await turn();
  void submit(range(1), new AbortController().signal, tell('second'));
  await turn();
  expect([told, waited.length]).toEqual([['first'], 1]);
  end(groups[0]);
  await turn();
  expect([told, waited.length]).toEqual([['first', 'second'], 2]);
  expect(Math.min(...waited)).toBeGreaterThan(0);
});

test('a transaction is bounded by events and by bytes, never cuts a range, and takes one range of a partition', async () => {
  const { submit, groups } = watched();
  void send(submit, range(0));
  await turn();
  for (const one of [range(1, 60), range(2, 60), range(3, 150), range(1, 1), range(4, 2, 9_000), range(5, 2, 9_000)])
    void send(submit, one);
  for (let done = 0; done < groups.length; done += 1) {
    end(groups[done]);
    await turn();
  }
  expect(groups.map(({ ranges }) => names(ranges))).toEqual(['0', '1', '2 1', '3', '4', '5']);
});

test('what drops out goes alone, at most as many at a time as there are lanes; the others do not wait for it', async () => {
  const { submit, groups, lanes } = watched();
  const stuck = [0, 1, 2].map((partition) => send(submit, range(partition)));
  const fine = send(submit, range(3));
  const moved = send(submit, range(4));
  await turn();
  const ranges = groups[0]?.ranges ?? [];
  end(groups[0], { applied: ranges.slice(3, 4), moved: ranges.slice(4) });
  expect(await fine).toBe('applied');
  expect(await moved).toBe('moved');
  await turn();
  expect(lanes.map((lane) => placeName(lane.range.ledger))).toEqual(['t/0', 't/1']);
  const next = send(submit, range(3));
  await turn();
  end(groups[1]);
  expect(await next).toBe('applied');
  lanes[0]?.done.resolve('applied');
  expect(await stuck[0]).toBe('applied');
  await turn();
  expect(lanes).toHaveLength(3);
});

test('a refusal sends each alone; who fails there stays away from the others until it got through', async () => {
  const { submit, groups, lanes } = watched();
  const [bad, good] = [send(submit, range(0)), send(submit, range(1))];
  await turn();
  groups[0]?.done.reject(new Error('refused'));
  await turn();
  lanes[1]?.done.resolve('applied');
  lanes[0]?.done.reject(new Error('no right on the table'));
  expect(await good).toBe('applied');
  await expect(bad).rejects.toThrow('no right on the table');
  const again = send(submit, range(0));
  await turn();
  expect([groups.length, lanes.length]).toEqual([1, 3]);
  lanes[2]?.done.resolve('applied');
  expect(await again).toBe('applied');
  void send(submit, range(0));
  await turn();
  expect([groups.length, lanes.length]).toEqual([2, 3]);
});

test('when the database is away all are told, and nothing goes alone', async () => {
  const { submit, groups, lanes } = watched();
  const sent = [0, 1].map((partition) => send(submit, range(partition)));
  await turn();
  groups[0]?.done.reject(new Error('connection lost'));
  for (const one of sent) await expect(one).rejects.toThrow('connection lost');
  expect(lanes).toEqual([]);
});

test('a partition that is taken away while it waits is not applied; one in the transaction waits for it', async () => {
  const { submit, groups } = watched();
  const [first, second] = [new AbortController(), new AbortController()];
  const inTransaction = send(submit, range(0), first.signal);
  await turn();
  const waiting = send(submit, range(1), second.signal);
  first.abort();
  second.abort();
  end(groups[0]);
  expect(await inTransaction).toBe('applied');
  expect(await waiting).toBe('moved');
  expect(groups).toHaveLength(1);
});
