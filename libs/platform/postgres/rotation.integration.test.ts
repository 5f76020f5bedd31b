import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, eventually, onTestServer } from '#kit';
import type { TestDatabase } from '#kit';
import { postgresSettings, readConfig } from '#platform/config';
import { createLogger } from '#platform/log';
import { createDatabase } from './database.ts';
import { createOutboxListener, createOutboxSignal } from './outbox-signal.ts';
import { createPostgresPing } from './ping.ts';
import { roleOf } from './roles.ts';
import { adHoc } from './statement.ts';

/** The role belongs to the server and not to a database. */
const role = `dakia_test_${randomBytes(6).toString('hex')}`;
const folder = mkdtempSync(join(tmpdir(), 'dakia-rotation-'));
const file = join(folder, 'url');
let database: TestDatabase;
const closing: (() => unknown)[] = [];

/** With a server that is away before the one that there is. */
const write = (password: string): void => {
  const { host, href } = Object.assign(new URL(database.url), { username: role, password });
  writeFileSync(file, `${href.replace(`@${host}`, `@127.0.0.1:1,${host}`)}\n`);
};
const endSessions = () =>
  onTestServer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);

beforeAll(async () => {
  database = await createTestDatabase();
  await onTestServer(
    `CREATE ROLE ${role} LOGIN PASSWORD 'first'`,
    `GRANT ${roleOf('payments')}, ${roleOf('notifier')} TO ${role}`,
  );
  write('first');
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  await database.drop();
  await onTestServer(`DROP ROLE ${role}`);
  rmSync(folder, { recursive: true });
});

test('a password that was rotated in its file is used without a restart: by the pool, the listener and the ping', async () => {
  const told: string[] = [];
  const config = readConfig(postgresSettings, { DATABASE_URL_FILE: file }, (issue) => void told.push(issue));
  if (!config.ok) throw new Error(config.issues.join('; '));
  const { databaseUrl: url } = config.value;
  const pool = createDatabase({ url, poolSize: 2, applicationName: 'dakia-rotation', role: roleOf('payments') });
  const { ping, close } = createPostgresPing(url);
  let signals = 0;
  const listener = createOutboxListener({
    url,
    role: roleOf('notifier'),
    applicationName: 'dakia-rotation',
    onSignal: () => void (signals += 1),
    log: createLogger('test', 'silent'),
  });
  closing.push(pool.close, close, listener.stop);
  const ask = () => pool.query(adHoc('SELECT current_user AS me'));
  const notify = () => createOutboxSignal(pool).notify();
  listener.start();
  await eventually('it listens', () => signals > 0);
  expect(await ask()).toEqual([{ me: 'dakia_payments' }]);
  await ping();

  // Sessions outlive the password they were opened with.
  await onTestServer(`ALTER ROLE ${role} PASSWORD 'second'`);
  expect(await ask()).toEqual([{ me: 'dakia_payments' }]);
  await endSessions();
  const refused = new RegExp(`password authentication failed for user "${role}"`);
  await eventually('it is refused', () =>
    ask().then(
      () => undefined,
      (error: unknown) => refused.test(String(error)),
    ),
  );
  await eventually('so is the ping', () =>
    ping().then(
      () => undefined,
      (error: unknown) => refused.test(String(error)),
    ),
  );

  write('second');
  expect(await ask()).toEqual([{ me: 'dakia_payments' }]);
  await ping();
  const before = signals;
  await eventually('it listens again', () => signals > before);
  const heard = signals;
  notify();
  await eventually('it hears', () => signals > heard);

  // A file that is gone takes no password away.
  rmSync(file);
  await endSessions();
  await eventually('it answers', () => ask().catch(() => undefined));
  expect(told).toEqual([`DATABASE_URL_FILE: ${file} cannot be read (ENOENT)`]);
});
