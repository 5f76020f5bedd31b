import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '#kit';
import { serverFiles, silent, startRedis, stateFolder } from '#local';
import { pingRedis } from './ping.ts';

/** A server of its own is started. */
jest.setTimeout(60_000);

test('TLS and a password together: only the right authority is believed, and only the right password lets in', async () => {
  const root = mkdtempSync(join(tmpdir(), 'dakia-redis-tls-'));
  const tls = await makeCertificate(root, 'redis');
  const authority = readFileSync(tls.certFile, 'utf8');
  const redis = await startRedis({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    port: 0,
    report: silent,
    password: 'a-password',
    tls,
  });
  try {
    expect(redis.url).toMatch(/^rediss:/);
    expect(await pingRedis({ redisUrl: () => redis.url, redisTlsCaFile: () => authority })).toMatch(/^\d+\.\d+\.\d+$/);
    await expect(pingRedis({ redisUrl: () => redis.url, redisTlsCaFile: () => undefined })).rejects.toThrow(
      'self-signed certificate',
    );
    await expect(
      pingRedis({ redisUrl: () => redis.url.replace('a-password', 'wrong'), redisTlsCaFile: () => authority }),
    ).rejects.toThrow('WRONGPASS');
    await expect(
      pingRedis({ redisUrl: () => redis.url.replace('rediss:', 'redis:'), redisTlsCaFile: () => undefined }),
    ).rejects.toThrow();
  } finally {
    await redis.server.stop();
    rmSync(root, { recursive: true });
  }
});
