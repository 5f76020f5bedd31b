import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testServers } from '#kit';
import { serverFiles, silent, startRedis, stateFolder } from '#local';
import { pingRedis } from './ping.ts';

/** A server of its own is started. */
jest.setTimeout(60_000);

const config = (url: string) => ({ redisUrl: () => url, redisTlsCaFile: () => undefined });

test('answers with the version of a Redis that answers, and with the reason of one that does not', async () => {
  expect(await pingRedis(config(testServers().REDIS_URL))).toMatch(/^\d+\.\d+\.\d+$/);
  await expect(pingRedis(config('redis://127.0.0.1:1'))).rejects.toThrow('ECONNREFUSED');
});

test('logs in with the password of the URL', async () => {
  const root = mkdtempSync(join(tmpdir(), 'dakia-redis-'));
  const redis = await startRedis({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    port: 0,
    report: silent,
    password: 'a-password',
  });
  try {
    expect(await pingRedis(config(redis.url))).toMatch(/^\d/);
    await expect(pingRedis(config(redis.url.replace('a-password', 'wrong')))).rejects.toThrow('WRONGPASS');
    await expect(pingRedis(config(redis.url.replace(':a-password@', '')))).rejects.toThrow('NOAUTH');
  } finally {
    await redis.server.stop();
    rmSync(root, { recursive: true });
  }
});
