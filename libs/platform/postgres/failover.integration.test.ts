import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { eventually } from '#kit';
import { serverFiles, silent, startPostgres, stateFolder } from '#local';
import { createDatabase } from './database.ts';
import { adHoc } from './statement.ts';
import type { Database } from './database.ts';

/** Two servers of its own are started: one that is demoted, and one that takes over. */
jest.setTimeout(120_000);

/** What the consumer may need until it has applied everything after a failover (docs/failures.md). */
const RECOVERED_WITHIN_MS = 5_000;
const root = mkdtempSync(join(tmpdir(), 'dakia-failover-'));
type Postgres = Awaited<ReturnType<typeof startPostgres>>;
let servers: readonly [Postgres, Postgres];

const on = async (url: string, ...statements: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const sql of statements) await client.query(sql);
  await client.end();
};
/** Reloading is a signal: when a new session has the setting, those that stand have been signalled, too. */
const readOnly = async (url: string, isReadOnly: boolean): Promise<void> => {
  const wanted = isReadOnly ? 'on' : 'off';
  await on(url, `ALTER SYSTEM SET default_transaction_read_only = ${wanted}`, 'SELECT pg_reload_conf()');
  await eventually('the server has the setting', async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ now: string }>('SELECT current_setting($1) AS now', [
      'default_transaction_read_only',
    ]);
    await client.end();
    return rows[0]?.now === wanted;
  });
};
const WRITE = adHoc("INSERT INTO written VALUES ('x')");

/** All connections of the pool are open, and idle. */
const warm = async (database: Database, connections: number): Promise<void> => {
  const all = Promise.withResolvers<void>();
  let open = 0;
  await Promise.all(
    Array.from({ length: connections }, () =>
      database.transaction(async (tx) => {
        await tx.query(adHoc('SELECT 1'));
        open += 1;
        if (open === connections) all.resolve();
        await all.promise;
      }),
    ),
  );
};

/** Writes again and again until it has worked on every connection; counts what was refused. */
const refusedUntilAllWork = async (database: Database, connections: number): Promise<number> => {
  let refused = 0;
  await eventually(
    'everything is written again',
    async () => {
      const all = await Promise.allSettled(
        Array.from({ length: connections }, () => database.transaction(async (tx) => tx.query(WRITE))),
      );
      const failed = all.filter(({ status }) => status === 'rejected').length;
      refused += failed;
      return failed === 0;
    },
    RECOVERED_WITHIN_MS,
  );
  return refused;
};

beforeAll(async () => {
  const files = await serverFiles(silent);
  const start = (name: string) =>
    startPostgres({ files, folder: stateFolder(join(root, name)), port: 0, report: silent, temporary: true });
  servers = [await start('a'), await start('b')];
  // To their clients both are one cluster: the same user, the same password.
  const user = "CREATE ROLE merchant SUPERUSER LOGIN PASSWORD 'merchant'";
  for (const { url } of servers) await on(url, 'CREATE TABLE written (what text)', user);
});
afterAll(async () => {
  for (const { server } of servers) await server.stop();
  rmSync(root, { recursive: true, force: true });
});
afterEach(async () => {
  for (const { url } of servers) await readOnly(url, false);
});
const addresses = (): readonly [URL, URL] => {
  const [a, b] = servers.map(({ url }) => {
    const address = new URL(url);
    [address.username, address.password] = ['merchant', 'merchant'];
    return address;
  }) as [URL, URL];
  return [a, b];
};

test('behind one address: connections to the server that became read only are closed, new ones reach the new primary', async () => {
  const [old, primary] = addresses();
  // Where an address leads after a failover: new connections to the
  // new primary, while those that stand stay where they are.
  let target = old;
  const proxy = net.createServer((client) => {
    const server = net.connect(Number(target.port), target.hostname);
    client.pipe(server).on('error', () => client.destroy());
    server.pipe(client).on('error', () => server.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = new URL(primary.href);
  url.port = String((proxy.address() as AddressInfo).port);

  const database = createDatabase({ url: url.href, poolSize: 4, applicationName: 'failover' });
  await warm(database, 4);
  await readOnly(old.href, true);
  target = primary;
  // At most what was sent before the first answer is refused.
  expect(await refusedUntilAllWork(database, 4)).toBeLessThanOrEqual(4);
  await database.close();
  proxy.close();
});

test('with several hosts the one that can be written to is used, before and after they change places', async () => {
  const [a, b] = addresses();
  const url = `postgres://merchant:merchant@${a.host},${b.host}/dakia`;
  await readOnly(a.href, true);
  const database = createDatabase({ url, poolSize: 3, applicationName: 'hosts' });
  const portOf = async () =>
    (await database.query<{ port: number }>(adHoc('SELECT inet_server_port() AS port')))[0]?.port;
  expect(await portOf()).toBe(Number(b.port));
  await warm(database, 3);
  await readOnly(a.href, false);
  await readOnly(b.href, true);
  expect(await refusedUntilAllWork(database, 3)).toBeLessThanOrEqual(3);
  expect(await portOf()).toBe(Number(a.port));
  await servers[0].server.kill();
  await readOnly(b.href, false);
  await refusedUntilAllWork(database, 3);
  expect(await portOf()).toBe(Number(b.port));
  await servers[0].server.start();
  await database.close();
});

test('a server that can only be read is said to be that; a session that asks for any takes it', async () => {
  const [{ url }] = servers;
  await readOnly(url, true);
  const strict = createDatabase({ url, poolSize: 1, applicationName: 'strict' });
  await expect(strict.query(adHoc('SELECT 1'))).rejects.toMatchObject({ code: '25006' });
  await strict.close();
  const any = createDatabase({ url: `${url}?target_session_attrs=any`, poolSize: 1, applicationName: 'any' });
  expect(await any.query(adHoc('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
  await any.close();
});
