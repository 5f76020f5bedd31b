import { eventually } from '#kit/eventually';
import { createLogger } from '#platform/log';
import { instant } from '#rules';
import { createPeriodic } from './periodic.ts';
import type { Periodic } from './periodic.ts';

const NEVER_MS = 600_000;
const soon = () => instant(Date.now() + 5_000);

let periodic: Periodic | undefined;
afterEach(async () => periodic?.stop(soon()));

interface Run {
  readonly signal: AbortSignal;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

/** Work whose runs end when the test says so. */
const watched = (everyMs: number): { readonly periodic: Periodic; readonly runs: Run[]; readonly logged: string[] } => {
  const runs: Run[] = [];
  const logged: string[] = [];
  periodic = createPeriodic({
    name: 'the work',
    everyMs,
    log: createLogger('test', 'info', { write: (line) => void logged.push((JSON.parse(line) as { msg: string }).msg) }),
    work: async (signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => resolve());
      runs.push({ signal, end: resolve, fail: reject });
      await promise;
    },
  });
  return { periodic, runs, logged };
};
const begun = (runs: readonly Run[], count: number): Promise<Run> =>
  eventually(`run ${count}`, () => (runs.length === count ? runs.at(-1) : undefined), 5_000);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('the first run is at the start, which does not wait for it; the next comes after a pause', async () => {
  const work = watched(1);
  await work.periodic.start();
  (await begun(work.runs, 1)).end();
  (await begun(work.runs, 2)).end();
  await begun(work.runs, 3);
});

test('asked to run soon: now when it rests, once more when it is at work, and never twice at a time', async () => {
  const work = watched(NEVER_MS);
  await work.periodic.start();
  const first = await begun(work.runs, 1);
  work.periodic.runSoon();
  work.periodic.runSoon();
  await turn();
  expect(work.runs).toHaveLength(1);
  first.end();
  (await begun(work.runs, 2)).end();
  await turn();
  expect(work.runs).toHaveLength(2);
  work.periodic.runSoon();
  await begun(work.runs, 3);
});

test('failures are logged once, and so is their end', async () => {
  const work = watched(NEVER_MS);
  await work.periodic.start();
  (await begun(work.runs, 1)).fail(new Error('away'));
  await eventually('it is said', () => work.logged.length === 1);
  work.periodic.runSoon();
  (await begun(work.runs, 2)).fail(new Error('away'));
  // Comes by itself, although `everyMs` is far away.
  (await begun(work.runs, 3)).end();
  await eventually('it is said', () => work.logged.length === 2);
  expect(work.logged).toEqual(['the work cannot do its work; it tries again until it can', 'the work goes on']);
});

test('a stop tells the run that is under way, and waits for it', async () => {
  const work = watched(1);
  await work.periodic.start();
  const { signal } = await begun(work.runs, 1);
  await work.periodic.stop(soon());
  expect([signal.aborted, work.runs.length]).toEqual([true, 1]);
});

test('a stop does not wait beyond the deadline', async () => {
  const log = createLogger('test', 'silent');
  const { promise, resolve } = Promise.withResolvers<void>();
  const stuck = createPeriodic({ name: 'the work', everyMs: 1, log, work: () => promise });
  await stuck.start();
  await expect(stuck.stop(instant(Date.now()))).rejects.toThrow('the work was still at work');
  resolve();
});

test('what never started stops at once', async () => {
  await watched(1).periodic.stop(soon());
});
