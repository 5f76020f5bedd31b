import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { eventually, testServers } from '#kit';
import { createLogger } from '#platform/log';
import { job, openQueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import { QUEUE_ANSWER_MS } from './connection.ts';
import { openQueue } from './queue.ts';

/** A call to a mute Redis takes its time. */
jest.setTimeout(20_000);

const MINUTE = 60_000;
const LOST_WITHIN_MS = 40_000;

let fixture: QueueFixture;
beforeEach(async () => {
  fixture = await openQueueFixture(testServers().REDIS_URL);
});
afterEach(async () => fixture.close());

/**
 * Stands before Redis and keeps back what a client sends, from the
 * first bytes with `text` in them on, until it is opened.
 */
const openGate = async (
  redisUrl: string,
  text: string,
): Promise<{
  readonly url: string;
  readonly isClosed: () => boolean;
  readonly open: () => void;
  readonly end: () => void;
}> => {
  const { port, hostname } = new URL(redisUrl);
  const kept: (() => void)[] = [];
  let state: 'before' | 'closed' | 'opened' = 'before';
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(Number(port), hostname);
    for (const socket of [client, redis]) sockets.add(socket.on('error', () => undefined));
    redis.pipe(client);
    client.on('data', (bytes: Buffer) => {
      if (state === 'before' && bytes.includes(text)) state = 'closed';
      if (state === 'closed') kept.push(() => void redis.write(bytes));
      else redis.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: Object.assign(new URL(redisUrl), { port: String((server.address() as AddressInfo).port) }).href,
    isClosed: () => state === 'closed',
    open: () => {
      state = 'opened';
      for (const send of kept.splice(0)) send();
    },
    end: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
};

/** Starts a worker that notes what it runs, in order. */
const runAll = async (): Promise<string[]> => {
  const ran: string[] = [];
  await fixture.startWorker(async ({ id }) => {
    ran.push(id);
    return { kind: 'done' };
  });
  return ran;
};

test('jobs run by priority, and in the order in which they came within one', async () => {
  await fixture.queue.add([
    job('low', { priority: 4 }),
    job('third', { priority: 3 }),
    job('first', { priority: 1 }),
    job('second', { priority: 2 }),
    job('first-too', { priority: 1 }),
  ]);
  const ran = await runAll();
  await eventually('all have run', () => ran.length === 5);
  expect(ran).toEqual(['first', 'first-too', 'second', 'third', 'low']);
});

test.each([
  ['a priority that BullMQ would run before all others', { priority: 0 }],
  ['no priority', { priority: undefined }],
  ['an id of digits', { id: '42' }],
  ['an id with a colon', { id: 'payments:pay_1' }],
  ['an empty id', { id: '' }],
  ["an id that is a key of BullMQ's", { id: 'delayed' }],
  ['a delay before now', { delayMs: -1 }],
  ['a delay that is no number', { delayMs: Number.NaN }],
])('%s is refused, with everything that came with it', async (_, wrong) => {
  const jobs = [job('good'), { ...job('bad'), ...wrong } as ReturnType<typeof job>];
  await expect(fixture.queue.add(jobs)).rejects.toThrow(TypeError);
  await expect(fixture.queue.renew(jobs)).rejects.toThrow(TypeError);
  expect(await fixture.stats()).toMatchObject({ prioritized: 0, waiting: 0, delayed: 0 });
});

test('adding a job again adds nothing, whether it waits, is delayed or has finished', async () => {
  await fixture.queue.add([job('waits'), job('later', { delayMs: MINUTE })]);
  await fixture.queue.add([job('waits', { priority: 1 }), job('later')]);
  expect(await fixture.stats()).toMatchObject({ prioritized: 1, delayed: 1 });

  const ran = await runAll();
  await eventually('it has finished', async () => (await fixture.stats()).completed === 1);
  await fixture.queue.add([job('waits'), job('last')]);
  await eventually('the last has run', () => ran.includes('last'));
  expect(ran).toEqual(['waits', 'last']);
  expect(await fixture.delayOf('later')).toBeGreaterThan(MINUTE / 2);
});

test('more jobs than one round trip takes', async () => {
  await fixture.queue.add(Array.from({ length: 1_234 }, (_, index) => job(`job-${index}`)));
  expect(await fixture.stats()).toMatchObject({ prioritized: 1_234 });
  await fixture.queue.renew(Array.from({ length: 1_500 }, (_, index) => job(`job-${index}`)));
  expect(await fixture.stats()).toMatchObject({ prioritized: 1_500 });
  await fixture.queue.remove(Array.from({ length: 1_400 }, (_, index) => `job-${index}`));
  expect(await fixture.stats()).toMatchObject({ prioritized: 100 });
});

describe('renewing', () => {
  test('adds what is missing', async () => {
    await fixture.queue.renew([job('now'), job('later', { delayMs: MINUTE })]);
    expect(await fixture.stats()).toMatchObject({ prioritized: 1, delayed: 1 });
  });

  test('brings forward what is delayed for longer and never puts off', async () => {
    await fixture.queue.add([job('too-late', { delayMs: 60 * MINUTE }), job('soon', { delayMs: MINUTE })]);
    await fixture.queue.renew([job('too-late', { delayMs: 2 * MINUTE }), job('soon', { delayMs: 2 * MINUTE })]);
    expect(await fixture.delayOf('too-late')).toBeLessThanOrEqual(2 * MINUTE);
    expect(await fixture.delayOf('too-late')).toBeGreaterThan(MINUTE);
    expect(await fixture.delayOf('soon')).toBeLessThanOrEqual(MINUTE);
  });

  test('wakes a worker that waits for the delayed job', async () => {
    await fixture.queue.add([job('late', { delayMs: 60 * MINUTE })]);
    const ran = await runAll();
    await fixture.queue.add([job('other')]);
    await eventually('the other has run', async () => ran.includes('other') && (await fixture.stats()).completed === 1);
    const name = `{${fixture.config.queuePrefix}}:${Buffer.from(fixture.queueName).toString('base64')}`;
    await eventually('the worker waits', async () =>
      String(await fixture.redis.client('LIST'))
        .split('\n')
        .some((line) => line.includes(`name=${name} `) && line.includes('cmd=bzpopmin')),
    );
    await fixture.queue.renew([job('late')]);
    await eventually('it has run', () => ran.includes('late'), 3_000);
  });

  test('of two that renew at the same time, the earlier time holds', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `job-${index}`);
    await fixture.queue.add(ids.slice(100).map((id) => job(id, { delayMs: 60 * MINUTE })));
    const other = openQueue(fixture.config, fixture.queueName, fixture.log);
    await Promise.all([
      ...ids.map((id) => fixture.queue.renew([job(id, { delayMs: MINUTE })])),
      other.renew(ids.map((id) => job(id, { delayMs: 10 * MINUTE }))),
    ]);
    await other.close();
    const delays = await Promise.all(ids.map(fixture.delayOf));
    expect(delays.filter((delay) => delay === null || delay > MINUTE)).toEqual([]);
  });

  test('makes sure of a job that somebody else adds in between for later', async () => {
    // What this side sends goes through a gate that closes before the job is added.
    const gate = await openGate(fixture.config.redisUrl(), '{"id":');
    const other = openQueue({ ...fixture.config, redisUrl: () => gate.url }, fixture.queueName, fixture.log);
    try {
      const renewing = other.renew([job('contested', { delayMs: MINUTE })]);
      await eventually('it wants to add', gate.isClosed);
      await fixture.queue.add([job('contested', { delayMs: 60 * MINUTE })]);
      gate.open();
      await renewing;
      expect(await fixture.delayOf('contested')).toBeLessThanOrEqual(MINUTE);
    } finally {
      await other.close();
      gate.end();
    }
  });

  test('does not call back a job that has run since and was put off', async () => {
    const gate = await openGate(fixture.config.redisUrl(), '{"id":');
    const other = openQueue({ ...fixture.config, redisUrl: () => gate.url }, fixture.queueName, fixture.log);
    let runs = 0;
    await fixture.startWorker(async () => {
      runs += 1;
      return { kind: 'later', afterMs: 30 * MINUTE };
    });
    try {
      const renewing = other.renew([job('quick')]);
      await eventually('it wants to add', gate.isClosed);
      await fixture.queue.add([job('quick')]);
      await eventually('it has run and is put off', async () => (await fixture.delayOf('quick')) !== null);
      gate.open();
      await renewing;
      expect(await fixture.delayOf('quick')).toBeGreaterThan(29 * MINUTE);
      expect(runs).toBe(1);
    } finally {
      await other.close();
      gate.end();
    }
  });

  test('leaves alone what waits for a worker or is with one', async () => {
    await fixture.queue.add([job('running', { priority: 1 }), job('waiting', { priority: 3 })]);
    const release = Promise.withResolvers<void>();
    const ran: string[] = [];
    await fixture.startWorker(async ({ id }) => {
      ran.push(id);
      if (id === 'running') await release.promise;
      return { kind: 'done' };
    });
    await eventually('the first runs', () => ran.length === 1);
    await fixture.queue.renew([job('running'), job('waiting'), job('last', { priority: 3 })]);
    release.resolve();
    await eventually('all have finished', async () => (await fixture.stats()).completed === 3);
    expect(ran).toEqual(['running', 'waiting', 'last']);
  });

  test('replaces what has finished, well or not', async () => {
    const ran: string[] = [];
    await fixture.startWorker(async ({ id }) => {
      ran.push(id);
      return id === 'fails' ? { kind: 'failed', reason: 'it was told to' } : { kind: 'done' };
    });
    await fixture.queue.add([job('fails'), job('works')]);
    await eventually(
      'both have finished',
      async () => ran.length === 2 && (await fixture.stats()).completed + (await fixture.stats()).failed === 2,
    );
    await fixture.queue.renew([job('fails'), job('works'), job('works-again', { delayMs: MINUTE })]);
    await eventually('both have run again', () => ran.length === 4);
    expect(ran.toSorted()).toEqual(['fails', 'fails', 'works', 'works']);
    expect(await fixture.stats()).toMatchObject({ delayed: 1 });
  });
});

describe('what Redis has lost, renewing brings back', () => {
  const ids = ['running', 'waiting', 'waiting-too', 'later'];
  const renewAll = async () => fixture.queue.renew(ids.map((id) => job(id)));

  const singly = [
    'prioritized',
    'delayed',
    'active',
    'marker',
    'meta',
    'pc',
    'id',
    'events',
    'stalled',
    'stalled-check',
  ];
  const losses: readonly (readonly string[])[] = [
    ...[...singly, ...ids, ...ids.map((id) => `${id}:lock`)].map((kind) => [kind]),
    ids,
    ['delayed', 'waiting', 'marker'],
    ['prioritized', 'active', 'later', 'pc'],
  ];

  // A lock that is lost is noticed by BullMQ, within twice the time between its looks.
  test.each(losses.map((kinds) => [kinds.join(', '), kinds] as const))(
    '%s',
    async (_name, kinds) => {
      const finished = new Set<string>();
      const release = Promise.withResolvers<void>();
      let started = 0;
      await fixture.queue.add([job('running', { priority: 1 })]);
      await fixture.startWorker(async ({ id }) => {
        if (started++ === 0) await release.promise;
        finished.add(id);
        return { kind: 'done' };
      });
      await eventually('the first runs', () => started === 1);
      await fixture.queue.add([job('waiting'), job('waiting-too'), job('later', { delayMs: 60 * MINUTE })]);
      await fixture.redis.del(kinds.map((kind) => fixture.key(kind)));
      await renewAll();
      release.resolve();
      await eventually(
        'all have run',
        async () => {
          if (finished.size < ids.length) await renewAll();
          return finished.size === ids.length;
        },
        LOST_WITHIN_MS,
      );
      await eventually(
        'nothing is left',
        async () => {
          const { prioritized, waiting, active, delayed } = await fixture.stats();
          return prioritized + waiting + active + delayed === 0;
        },
        LOST_WITHIN_MS,
      );
    },
    2 * LOST_WITHIN_MS,
  );

  test.each(['completed', 'failed'] as const)('%s: a job that has finished and stands in no list', async (kind) => {
    let ran = 0;
    await fixture.startWorker(async () => {
      ran += 1;
      return kind === 'completed' ? { kind: 'done' } : { kind: 'failed', reason: 'it was told to' };
    });
    await fixture.queue.add([job('once')]);
    await eventually('it has finished', async () => (await fixture.stats())[kind] === 1);
    expect(await fixture.redis.exists(fixture.key('once'))).toBe(1);
    await fixture.redis.del(fixture.key(kind));
    await fixture.queue.renew([job('once')]);
    await eventually('it has run again', () => ran === 2);
  });
});

test('removing takes a job out of any state, but leaves one to the worker that has it', async () => {
  const release = Promise.withResolvers<void>();
  const ran: string[] = [];
  await fixture.startWorker(async ({ id }) => {
    ran.push(id);
    if (id === 'running') await release.promise;
    return { kind: 'done' };
  });
  await fixture.queue.add([job('finished')]);
  await eventually('one has finished', async () => (await fixture.stats()).completed === 1);
  await fixture.queue.add([job('running', { priority: 1 }), job('waits'), job('later', { delayMs: MINUTE })]);
  await eventually('one runs', () => ran.includes('running'));
  await fixture.queue.remove(['running', 'waits', 'later', 'finished', 'never-there']);
  expect(await fixture.stats()).toMatchObject({ active: 1, prioritized: 0, delayed: 0, completed: 0 });
  release.resolve();
  await eventually('the running one has finished', async () => (await fixture.stats()).completed === 1);
  expect(ran).toEqual(['finished', 'running']);
});

test('while Redis is away each call says so, soon', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const log = createLogger('test', 'silent');
  const open = (port: number): ReturnType<typeof openQueue> =>
    openQueue({ ...fixture.config, redisUrl: () => `redis://127.0.0.1:${port}` }, 'away', log);
  const [refused, mute] = [open(1), open((silent.address() as AddressInfo).port)];
  const started = performance.now();
  try {
    await expect(refused.add([job('a')])).rejects.toThrow('Redis is away: connect ECONNREFUSED');
    await expect(refused.renew([job('a')])).rejects.toThrow('Redis is away');
    await expect(refused.remove(['a'])).rejects.toThrow('Redis is away');
    await expect(mute.add([job('a')])).rejects.toThrow('Redis is away');
    expect(performance.now() - started).toBeLessThan(QUEUE_ANSWER_MS + 5_000);
  } finally {
    await Promise.all([refused.close(), mute.close()]);
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test('stats tell every state and the age of the oldest that should run', async () => {
  expect(await fixture.stats()).toEqual({
    name: fixture.queueName,
    waiting: 0,
    active: 0,
    completed: 0,
    failed: 0,
    delayed: 0,
    prioritized: 0,
    paused: 0,
    oldestMs: null,
  });
  await fixture.queue.add([job('later', { delayMs: MINUTE })]);
  expect(await fixture.stats()).toMatchObject({ delayed: 1, oldestMs: null });

  await fixture.queue.add([job('young', { priority: 1 }), job('old', { priority: 4 })]);
  await fixture.redis.hset(fixture.key('old'), 'timestamp', Date.now() - 10 * MINUTE);
  const { oldestMs } = await fixture.stats();
  expect(oldestMs).toBeGreaterThanOrEqual(10 * MINUTE);
  expect(oldestMs).toBeLessThan(11 * MINUTE);

  await fixture.redis.hset(fixture.key('meta'), 'paused', 1);
  expect(await fixture.stats()).toMatchObject({ prioritized: 0, paused: 2 });
});

test('a job that was put off is as old as the time it was put off to, and not as old as itself', async () => {
  await fixture.queue.add([job('old', { delayMs: MINUTE }), job('brought', { delayMs: 60 * MINUTE })]);
  await fixture.queue.renew([job('brought')]);
  for (const id of ['old', 'brought']) await fixture.redis.hset(fixture.key(id), 'timestamp', Date.now() - 10 * MINUTE);
  await fixture.redis.zadd(fixture.key('delayed'), 0, 'old');
  const seen: (number | null)[] = [];
  await fixture.startWorker(async ({ id }) => {
    seen.push((await fixture.stats()).oldestMs);
    return id === 'old' && seen.length < 3 ? { kind: 'later', afterMs: 0 } : { kind: 'done' };
  });
  await eventually('all is done', async () => (await fixture.stats()).completed === 2);
  // Added ten minutes ago with a delay of one; then put off to now.
  expect(seen[0]).toBeGreaterThanOrEqual(9 * MINUTE);
  expect(seen[0]).toBeLessThan(10 * MINUTE);
  expect(seen.at(-1)).toBeLessThan(MINUTE);
});
