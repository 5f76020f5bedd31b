import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, testServers } from '#kit';
import { job, openQueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import { startBoard } from '../../../test/kit/queue/start-board.ts';
import type { Board } from '../../../test/kit/queue/start-board.ts';

/** Each test starts a process. */
jest.setTimeout(30_000);

const PASSWORD = 'a-long-password';
let fixture: QueueFixture;
const boards: Board[] = [];
beforeEach(async () => {
  fixture = await openQueueFixture(testServers().REDIS_URL);
});
afterEach(async () => {
  for (const board of boards.splice(0)) await board.stop();
  await fixture.close();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}
type Ask = (
  path: string,
  options?: { readonly login?: string; readonly method?: string; readonly headers?: Readonly<Record<string, string>> },
) => Promise<Answer>;

const serve = async (
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly ask: Ask; readonly said: () => string }> => {
  const board = await startBoard(fixture, settings);
  boards.push(board);
  const { port, said } = board;
  return {
    said,
    ask: async (path, { login, method = 'GET', headers = {} } = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: {
          ...headers,
          ...(login !== undefined && { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
        },
      });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
  };
};

const LOGIN = `dakia:${PASSWORD}`;
const WRITES = [
  ['PUT', 'retry-test/fails/retry'],
  ['PUT', 'retry-test/waits/promote'],
  ['PUT', 'retry-test/waits/clean'],
  ['PUT', 'pause'],
  ['PUT', 'retry-test/pause'],
  ['PUT', 'retry-test/empty'],
  ['PUT', 'retry-test/obliterate'],
  ['POST', 'retry-test/add'],
] as const;
const JOBS = '/queues/api/queues?activeQueue=retry-test&page=1&jobsPerPage=10';

test('without a password there is no page', async () => {
  const { ask } = await serve({});
  expect((await ask('/queues')).status).toBe(404);
  expect((await ask('/livez')).status).toBe(200);
});

test('only the user with the password sees it; the paths of the port itself stay as they are', async () => {
  for (const path of ['/queues', '/queues/', JOBS, '/queues/static/images/logo.svg', '/queues/names.js']) {
    const { ask } = await serve({ DAKIA_BOARD_PASSWORD: PASSWORD });
    for (const login of [undefined, 'dakia:', `dakia:${PASSWORD}x`, `admin:${PASSWORD}`, `:${PASSWORD}`, 'dakia']) {
      expect(await ask(path, login === undefined ? {} : { login })).toMatchObject({ status: 401 });
    }
  }
  const { ask, said } = await serve({ DAKIA_BOARD_PASSWORD: PASSWORD });
  await ask('/queues', { login: `dakia:${PASSWORD}x` });
  expect((await ask('/queues')).headers.get('www-authenticate')).toContain('Basic');
  expect(said()).toContain('a login to the page of queues was refused');
  expect(said()).not.toContain(PASSWORD);

  const page = await ask('/queues', { login: LOGIN });
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('Dakia queues') as string });
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect((await ask('/livez')).status).toBe(200);
  expect((await ask('/metrics')).status).toBe(200);
  expect((await ask('/livez', { method: 'POST' })).status).toBe(404);
});

test('an address that guesses is not listened to, with the right password either', async () => {
  const { ask } = await serve({ DAKIA_BOARD_PASSWORD: PASSWORD });
  for (let guess = 0; guess < 10; guess++)
    expect((await ask('/queues', { login: `dakia:guess-${guess}` })).status).toBe(401);
  expect(await ask('/queues', { login: LOGIN })).toMatchObject({
    status: 429,
    text: expect.stringContaining('wait a minute') as string,
  });
  expect((await ask('/livez')).status).toBe(200);
});

test('shows jobs and changes nothing until that is switched on', async () => {
  await fixture.queue.add([job('fails'), job('waits', { delayMs: 60_000 })]);
  await fixture.startWorker(async () => ({ kind: 'failed', reason: 'it was told to' }));
  await eventually('one has failed', async () => (await fixture.stats()).failed === 1);

  const { ask } = await serve({ DAKIA_BOARD_PASSWORD: PASSWORD });
  const shown = await ask(JOBS, { login: LOGIN });
  expect(shown.status).toBe(200);
  const [queue] = (
    JSON.parse(shown.text) as {
      readonly queues: readonly { readonly name: string; readonly readOnlyMode: boolean; readonly counts: object }[];
    }
  ).queues;
  expect(queue).toMatchObject({ name: 'retry-test', readOnlyMode: true, counts: { failed: 1, delayed: 1 } });
  for (const [method, path] of WRITES) {
    expect(await ask(`/queues/api/queues/${path}`, { login: LOGIN, method })).toMatchObject({
      status: 403,
      text: expect.stringContaining('DAKIA_BOARD_WRITES=true') as string,
    });
  }
  expect(await fixture.stats()).toMatchObject({ failed: 1, delayed: 1, paused: 0 });
});

test('switched on, it changes what its own page asks for, and not what another site makes a browser send', async () => {
  await fixture.queue.add([job('waits', { delayMs: 60_000 })]);
  const { ask } = await serve({ DAKIA_BOARD_PASSWORD: PASSWORD, DAKIA_BOARD_WRITES: 'true' });
  const promote = { login: LOGIN, method: 'PUT' };
  const path = '/queues/api/queues/retry-test/waits/promote';
  expect((await ask(path, { method: 'PUT' })).status).toBe(401);
  expect((await ask(path, { ...promote, headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  expect((await ask(path, { ...promote, headers: { origin: 'https://evil.example' } })).status).toBe(403);
  expect((await ask(path, { ...promote, headers: { origin: 'null' } })).status).toBe(403);
  expect(await fixture.stats()).toMatchObject({ delayed: 1 });
  expect((await ask(path, { ...promote, headers: { 'sec-fetch-site': 'same-origin' } })).status).toBe(204);
  expect(await fixture.stats()).toMatchObject({ delayed: 0, prioritized: 1 });
});

test('while Redis is away it says so', async () => {
  const { ask } = await serve({ DAKIA_BOARD_PASSWORD: PASSWORD, REDIS_URL: 'redis://127.0.0.1:1' });
  expect(await ask(JOBS, { login: LOGIN })).toMatchObject({
    status: 503,
    text: expect.stringContaining('Redis is away') as string,
  });
  expect((await ask('/queues', { login: LOGIN })).status).toBe(200);
});

test('a password that was rotated in its file is the one from the next request on; a file that is gone changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dakia-board-'));
  const file = join(folder, 'password');
  writeFileSync(file, `${PASSWORD}\n`);
  const { ask } = await serve({ DAKIA_BOARD_PASSWORD_FILE: file });
  const statuses = async (): Promise<readonly number[]> =>
    Promise.all(
      ['a-long-password', 'another-password'].map(
        async (each) => (await ask('/queues', { login: `dakia:${each}` })).status,
      ),
    );
  expect(await statuses()).toEqual([200, 401]);
  writeFileSync(file, 'another-password');
  expect(await statuses()).toEqual([401, 200]);
  // Too short to be one, and nothing at all.
  writeFileSync(file, 'short');
  expect(await statuses()).toEqual([401, 200]);
  rmSync(folder, { recursive: true });
  expect(await statuses()).toEqual([401, 200]);
});
