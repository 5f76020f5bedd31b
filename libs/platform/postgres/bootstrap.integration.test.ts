import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUARANTINE_SERVICE, serviceNames } from '#catalogue';
import { ROOT } from '#kit';
import { serverFiles, silent, startPostgres, stateFolder } from '#local';
import { createDatabase } from './database.ts';
import { adHoc } from './statement.ts';
import { migrate } from './migrate.ts';
import { roleOf } from './roles.ts';

const START_WITHIN_MS = 60_000;
const PASSWORDS: Readonly<Record<string, string>> = { owner_password: 'of-the-owner', service_password: 'of-services' };

/** The statements of the file, with psql's variables filled in. */
const statements = (): readonly string[] =>
  readFileSync(join(ROOT, 'deploy', 'postgres', 'bootstrap.sql'), 'utf8')
    .replaceAll(/^--.*$/gm, '')
    .replaceAll(/:'(\w+)'/g, (_, name: string) => `'${PASSWORDS[name] ?? ''}'`)
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');

const asUser = async <Result>(
  url: string,
  role: string | undefined,
  work: (ask: (sql: string) => Promise<readonly object[]>) => Promise<Result>,
): Promise<Result> => {
  const database = createDatabase({
    url,
    poolSize: 1,
    applicationName: 'bootstrap',
    ...(role !== undefined && { role }),
  });
  try {
    return await work((sql) => database.query<object>(adHoc(sql)));
  } finally {
    await database.close();
  }
};

test(
  'what an administrator runs once is enough: the owner migrates without making roles, each service takes its own role and no other',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'dakia-bootstrap-'));
    chmodSync(root, 0o755);
    const postgres = await startPostgres({
      files: await serverFiles(silent),
      folder: stateFolder(root),
      port: 0,
      report: silent,
      temporary: true,
    });
    try {
      // The database of the embedded server has the name that the file gives to its own.
      const admin = new URL(postgres.url);
      admin.pathname = '/postgres';
      await asUser(admin.href, undefined, async (ask) => {
        await ask('DROP DATABASE dakia');
        for (const statement of statements()) await ask(statement);
        expect(
          await ask(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'dakia%' AND (rolsuper OR rolcreaterole OR rolcreatedb)",
          ),
        ).toEqual([]);
      });
      const urlOf = (user: string, password: string): string => {
        const url = new URL(postgres.url);
        Object.assign(url, { username: user, password, pathname: '/dakia' });
        return url.href;
      };
      const applied = await migrate(urlOf('dakia_owner', PASSWORDS['owner_password'] ?? ''), () => undefined);
      expect(applied.length).toBeGreaterThan(20);
      for (const service of [...serviceNames, QUARANTINE_SERVICE, 'notifier'] as const) {
        const url = urlOf(`${roleOf(service)}_login`, PASSWORDS['service_password'] ?? '');
        expect(await asUser(url, roleOf(service), (ask) => ask('SELECT current_user AS me'))).toEqual([
          { me: roleOf(service) },
        ]);
        await expect(
          asUser(url, roleOf(service === 'payments' ? 'refunds' : 'payments'), (ask) => ask('SELECT 1')),
        ).rejects.toThrow(/permission denied to set role/);
        await expect(asUser(url, undefined, (ask) => ask('CREATE TABLE mine (id integer)'))).rejects.toThrow(
          /permission denied/,
        );
      }
    } finally {
      await postgres.server.stop();
      rmSync(root, { recursive: true, force: true });
    }
  },
  START_WITHIN_MS,
);
