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
const PASSWORDS = { owner_password: 'of-the-owner', service_password: 'of-services' };
type Given = typeof PASSWORDS & { readonly database: string };

interface Statement {
  readonly sql: string;
  /** What it answers are statements, as psql's \gexec takes them. */
  readonly makesStatements: boolean;
}

/** The file as psql reads it: variables filled in, without the lines that give `database` its default. */
const statements = (given: Given): readonly Statement[] =>
  [
    ...readFileSync(join(ROOT, 'deploy', 'postgres', 'bootstrap.sql'), 'utf8')
      .replaceAll(/^(?:--|\\(?!gexec)).*$/gm, '')
      .replaceAll(/:'(\w+)'/g, (_, name: keyof Given) => `'${given[name]}'`)
      .matchAll(/([^;\\]+)(;|\\gexec)/g),
  ].map(([, sql = '', end]) => ({ sql, makesStatements: end === '\\gexec' }));

const bootstrap = async (adminUrl: string, given: Given): Promise<void> =>
  asUser(adminUrl, undefined, async (ask) => {
    for (const { sql, makesStatements } of statements(given)) {
      const rows = await ask(sql);
      if (makesStatements) for (const made of rows.flatMap((row) => Object.values(row) as string[])) await ask(made);
    }
  });

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
      // Somebody who may make roles and databases, as managed servers have it, and no superuser. The database of the
      // embedded server has the name that the file gives to its own.
      const superuser = new URL(postgres.url);
      superuser.pathname = '/postgres';
      await asUser(superuser.href, undefined, async (ask) => {
        await ask('DROP DATABASE dakia');
        await ask("CREATE ROLE administrator LOGIN CREATEROLE CREATEDB PASSWORD 'of-the-administrator'");
      });
      const admin = new URL(superuser);
      Object.assign(admin, { username: 'administrator', password: 'of-the-administrator' });
      await bootstrap(admin.href, {
        ...PASSWORDS,
        owner_password: 'former',
        service_password: 'former',
        database: 'dakia',
      });
      // Again, for another database on the same server and with other passwords.
      await bootstrap(admin.href, { ...PASSWORDS, database: 'dakia_staging' });
      await asUser(superuser.href, undefined, async (ask) => {
        expect(
          await ask(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'dakia%' AND (rolsuper OR rolcreaterole OR rolcreatedb)",
          ),
        ).toEqual([]);
        expect(
          await ask(
            "SELECT datname, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname LIKE 'dakia%' ORDER BY 1",
          ),
        ).toEqual([
          { datname: 'dakia', owner: 'dakia_owner' },
          { datname: 'dakia_staging', owner: 'dakia_owner' },
        ]);
      });
      const urlOf = (user: string, password: string): string => {
        const url = new URL(postgres.url);
        Object.assign(url, { username: user, password, pathname: '/dakia' });
        return url.href;
      };
      const applied = await migrate(urlOf('dakia_owner', PASSWORDS.owner_password), () => undefined);
      expect(applied.length).toBeGreaterThan(20);
      for (const service of [...serviceNames, QUARANTINE_SERVICE, 'notifier'] as const) {
        const url = urlOf(`${roleOf(service)}_login`, PASSWORDS.service_password);
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
