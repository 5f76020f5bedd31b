import type { QueueSnapshot } from './queue-stats.ts';
import { createStuckCheck, STUCK_AFTER_MS } from './stuck-check.ts';
import type { WorkerSnapshot } from './stuck-check.ts';

const queueWith = (stats: Partial<QueueSnapshot['stats']>, held = false): QueueSnapshot => ({
  held,
  stats: {
    name: 'q',
    waiting: 0,
    active: 0,
    completed: 0,
    failed: 0,
    delayed: 0,
    prioritized: 0,
    paused: 0,
    oldestMs: null,
    ...stats,
  },
});
const due = queueWith({ prioritized: 3, oldestMs: 5_000 });
const at = (ms: number, snapshot: Partial<WorkerSnapshot> = {}): WorkerSnapshot => ({
  at: 1_000_000 + ms,
  queue: due,
  answersOthers: false,
  takenAt: 0,
  isBusy: false,
  ...snapshot,
});

/** Whether the last of these snapshots tells that the worker is stuck. */
const verdict = (...snapshots: readonly WorkerSnapshot[]): boolean | undefined => {
  const isStuck = createStuckCheck();
  return snapshots.map(isStuck).at(-1);
};

test.each<readonly [string, readonly WorkerSnapshot[]]>([
  ['jobs are due and none is taken', [at(0), at(STUCK_AFTER_MS)]],
  [
    'a delayed job is overdue and none runs',
    [
      at(0, { queue: queueWith({ delayed: 1, oldestMs: 1 }) }),
      at(STUCK_AFTER_MS, { queue: queueWith({ delayed: 1, oldestMs: 20_001 }) }),
    ],
  ],
  [
    'its own connection is dead while Redis answers others',
    [at(0, { queue: undefined, answersOthers: true }), at(STUCK_AFTER_MS, { queue: undefined, answersOthers: true })],
  ],
  ['it took one long before', [at(0, { takenAt: 999_999 }), at(STUCK_AFTER_MS, { takenAt: 999_999 })]],
])('stuck: %s', (_, snapshots) => {
  expect(verdict(...snapshots)).toBe(true);
});

test.each<readonly [string, readonly WorkerSnapshot[]]>([
  ['not for long enough', [at(0), at(STUCK_AFTER_MS - 1)]],
  ['it takes jobs', [at(0), at(STUCK_AFTER_MS, { takenAt: 1_000_001 })]],
  ['all its hands are full', [at(0, { isBusy: true }), at(STUCK_AFTER_MS, { isBusy: true })]],
  [
    'the queue is held',
    [
      at(0, { queue: queueWith({ prioritized: 3, oldestMs: 1 }, true) }),
      at(STUCK_AFTER_MS, { queue: queueWith({ prioritized: 3, oldestMs: 1 }, true) }),
    ],
  ],
  [
    'nothing is due',
    [at(0, { queue: queueWith({ delayed: 5 }) }), at(STUCK_AFTER_MS, { queue: queueWith({ delayed: 5 }) })],
  ],
  ['Redis is away', [at(0, { queue: undefined }), at(STUCK_AFTER_MS, { queue: undefined })]],
  ['it was well in between', [at(0), at(STUCK_AFTER_MS / 2, { queue: queueWith({}) }), at(STUCK_AFTER_MS)]],
])('not stuck: %s', (_, snapshots) => {
  expect(verdict(...snapshots)).toBe(false);
});
