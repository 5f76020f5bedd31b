import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, testServers } from '#kit';
import { job, openQueueFixture } from '../kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../kit/queue/queue-fixture.ts';
import { startBoard } from '../kit/queue/start-board.ts';
import type { Board } from '../kit/queue/start-board.ts';
import type { Control } from './list-controls.ts';

/** A document is built and its scripts are run; the machine may be busy with others. */
jest.setTimeout(240_000);

const PASSWORD = 'a-long-password';
let fixture: QueueFixture;
let board: Board | undefined;
beforeEach(async () => {
  fixture = await openQueueFixture(testServers().REDIS_URL);
});
afterEach(async () => {
  await board?.stop();
  await fixture.close();
});

/** Whoever cannot see the pictures hears what each control is for. */
test('every control of the page of queues has a name, also of what is opened on it', async () => {
  await fixture.queue.add([job('fails'), job('waits', { delayMs: 3_600_000 })]);
  await fixture.startWorker(async () => ({ kind: 'failed', reason: 'it was told to' }));
  await eventually('one has failed', async () => (await fixture.stats()).failed === 1);
  // With all that it can show: without writes some of it is not there.
  board = await startBoard(fixture, { DAKIA_BOARD_PASSWORD: PASSWORD, DAKIA_BOARD_WRITES: 'true' });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(import.meta.dirname, 'list-controls.ts'),
      String(board.port),
      `dakia:${PASSWORD}`,
      '/queues/',
      '/queues/queue/retry-test?status=failed',
      '/queues/queue/retry-test/fails',
    ],
    { env: process.env, maxBuffer: 64 * 1024 * 1024 },
  );
  const controls = JSON.parse(stdout) as readonly Control[];
  const nameless = controls.filter(({ name }) => name === '').map(({ page, html }) => `${page} ${html}`);
  expect([...new Set(nameless)]).toEqual([]);
  // The pictures were there to be named: menus, settings, and what is done with a job.
  expect([...new Set(controls.map(({ name }) => name))]).toEqual(
    expect.arrayContaining(['Full screen', 'Settings', 'Actions', 'Try again', 'Edit', 'Remove', 'Polling interval']),
  );
});
