import { eventually } from '#kit';
import { createLogger } from '#platform/log';
import { openTestStore } from '../../../test/kit/test-store.ts';
import type { TestStore } from '../../../test/kit/test-store.ts';
import { createDatabase } from './database.ts';
import { createOutboxBell, createOutboxListener } from './outbox-signal.ts';
import { roleOf } from './roles.ts';

let store: TestStore;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  store = await openTestStore('payments', []);
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(async () => store.close());

const listening = async (): Promise<{ readonly heard: () => number }> => {
  let heard = 0;
  const listener = createOutboxListener({
    url: store.url,
    role: roleOf('notifier'),
    applicationName: 'dakia-test-bell',
    heard: () => void (heard += 1),
    log: createLogger('test', 'silent'),
  });
  closing.push(listener.stop);
  listener.start();
  await eventually('it listens', () => heard === 1);
  return { heard: () => heard };
};

test('rung a thousand times at once, the bell is heard, and costs Postgres a few statements', async () => {
  const listener = await listening();
  const statements: unknown[] = [];
  const bell = createOutboxBell({
    query: async (...given) => {
      statements.push(given[0].name);
      return store.database.query(...given);
    },
  });
  for (let times = 0; times < 1_000; times += 1) bell.ring();
  await eventually('it is heard', () => listener.heard() > 1);
  for (let times = 0; times < 1_000; times += 1) bell.ring();
  await eventually('and again', () => listener.heard() === statements.length + 1 && statements.length >= 2);
  expect(statements.length).toBeLessThanOrEqual(3);
});

test('a service rings with its own rights, and goes on when Postgres is away', async () => {
  const listener = await listening();
  const database = createDatabase({
    url: store.url,
    poolSize: 1,
    applicationName: 'dakia-test',
    role: roleOf('payments'),
  });
  const bell = createOutboxBell(database);
  bell.ring();
  await eventually('it is heard', () => listener.heard() === 2);
  await database.close();
  let asked = 0;
  const away = createOutboxBell({
    query: async (...given) => {
      asked += 1;
      return database.query(...given);
    },
  });
  away.ring();
  await eventually('it was tried', () => asked === 1);
  away.ring();
  await eventually('it tries again when it is rung again', () => asked === 2);
  expect(listener.heard()).toBe(2);
});
