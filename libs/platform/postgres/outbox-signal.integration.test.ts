import { eventually } from '#kit';
import { createLogger } from '#platform/log';
import { openTestStore } from '../../../test/kit/test-store.ts';
import type { TestStore } from '../../../test/kit/test-store.ts';
import { createDatabase } from './database.ts';
import { createOutboxListener, createOutboxSignal } from './outbox-signal.ts';
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

const listening = async (): Promise<{ readonly received: () => number }> => {
  let received = 0;
  const listener = createOutboxListener({
    url: store.url,
    role: roleOf('notifier'),
    applicationName: 'dakia-test-signal',
    onSignal: () => void (received += 1),
    log: createLogger('test', 'silent'),
  });
  closing.push(listener.stop);
  listener.start();
  await eventually('it listens', () => received === 1);
  return { received: () => received };
};

test('notified a thousand times at once, the signal is received, and costs Postgres a few statements', async () => {
  const listener = await listening();
  const statements: unknown[] = [];
  const outboxSignal = createOutboxSignal({
    query: async (...given) => {
      statements.push(given[0].name);
      return store.database.query(...given);
    },
  });
  for (let times = 0; times < 1_000; times += 1) outboxSignal.notify();
  await eventually('it is received', () => listener.received() > 1);
  for (let times = 0; times < 1_000; times += 1) outboxSignal.notify();
  await eventually('and again', () => listener.received() === statements.length + 1 && statements.length >= 2);
  expect(statements.length).toBeLessThanOrEqual(3);
});

test('a service notifies with its own rights, and goes on when Postgres is away', async () => {
  const listener = await listening();
  const database = createDatabase({
    url: store.url,
    poolSize: 1,
    applicationName: 'dakia-test',
    role: roleOf('payments'),
  });
  const outboxSignal = createOutboxSignal(database);
  outboxSignal.notify();
  await eventually('it is received', () => listener.received() === 2);
  await database.close();
  let asked = 0;
  const away = createOutboxSignal({
    query: async (...given) => {
      asked += 1;
      return database.query(...given);
    },
  });
  away.notify();
  await eventually('it was tried', () => asked === 1);
  away.notify();
  await eventually('it tries again when it is asked again', () => asked === 2);
  expect(listener.received()).toBe(2);
});
