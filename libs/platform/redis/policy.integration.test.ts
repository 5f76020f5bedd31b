import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverFiles, silent, startRedis, stateFolder } from '#local';
import type { Redis as EmbeddedRedis } from '#local';
import { createRedis, untilReady } from './client.ts';
import type { Redis } from './client.ts';
import { examineRedis } from './ping.ts';

/** A server of its own is started. */
jest.setTimeout(60_000);

const root = mkdtempSync(join(tmpdir(), 'dakia-redis-policy-'));
let server: EmbeddedRedis;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis({ files: await serverFiles(silent), folder: stateFolder(root), port: 0, report: silent });
  admin = createRedis({ redisUrl: () => server.url, redisTlsCaFile: () => undefined }, {});
  await untilReady(admin, 5_000);
  // As on a managed server: CONFIG is for its owner.
  await admin.call('ACL', 'SETUSER', 'tenant', 'on', '>a-password', '~*', '&*', '+@all', '-config');
});
afterAll(async () => {
  admin.disconnect();
  await server.server.stop();
  rmSync(root, { recursive: true });
});

const EVICTS =
  'it throws keys away when memory is short (maxmemory-policy allkeys-lru): set maxmemory-policy to noeviction';
const FORGETS = 'it forgets all jobs when it restarts: set appendonly to yes, or save to an interval';

test.each([
  ['as it should be', 'noeviction', 'yes', '', []],
  ['snapshots alone', 'noeviction', 'no', '3600 1', []],
  ['eviction', 'allkeys-lru', 'yes', '', [EVICTS]],
  ['nothing kept', 'noeviction', 'no', '', [FORGETS]],
  ['both wrong', 'allkeys-lru', 'no', '', [EVICTS, FORGETS]],
])('%s', async (_, policy, appendOnly, save, warnings) => {
  await admin.config('SET', 'maxmemory-policy', policy);
  await admin.config('SET', 'appendonly', appendOnly);
  await admin.config('SET', 'save', save);
  expect(await examineRedis({ redisUrl: () => server.url, redisTlsCaFile: () => undefined })).toEqual({
    version: expect.stringMatching(/^\d/) as string,
    warnings,
  });

  const asTenant = await examineRedis({
    redisUrl: () => server.url.replace('redis://', 'redis://tenant:a-password@'),
    redisTlsCaFile: () => undefined,
  });
  // Without CONFIG, snapshots show only once one was written.
  expect(asTenant.warnings).toEqual(save === '' ? warnings : [FORGETS]);
});

test('where CONFIG is forbidden, a snapshot that was written counts', async () => {
  await admin.config('SET', 'appendonly', 'no');
  await admin.config('SET', 'maxmemory-policy', 'noeviction');
  await admin.save();
  const asTenant = await examineRedis({
    redisUrl: () => server.url.replace('redis://', 'redis://tenant:a-password@'),
    redisTlsCaFile: () => undefined,
  });
  expect(asTenant.warnings).toEqual([]);
});
