import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { clusterIn } from './kubectl.ts';
import type { Cluster } from './kubectl.ts';
import { restrictedPod } from './pods.ts';
import { AUTHORITY_SECRET, PAYMENTS_SECRET } from './settings.ts';
import type { ClusterTestSettings } from './settings.ts';

export const RELEASE = 'dakia';

/**
 * A namespace that enforces the restricted Pod Security Standard,
 * with a database and Secrets, and an account of what held in it.
 */
export interface Workplace {
  readonly cluster: Cluster;
  /** File with the values of the release. */
  readonly values: string;
  /** One thing that must hold. A failure is told and the run goes on: the next steps say more about it. */
  readonly step: (what: string, work: () => Promise<string | undefined>) => Promise<void>;
  /** Users of Postgres: `payments` logs in as the first of them, and as the second once that is given. */
  readonly logins: readonly [Login, Login];
  /** Runs statements in a pod of this name. */
  readonly sql: (name: string, ...statements: readonly string[]) => Promise<void>;
  /** Makes the namespace, its Secrets and its database; two steps. */
  readonly prepare: () => Promise<void>;
  /** The dakia command, in a pod that runs already. */
  readonly dakia: (...args: readonly string[]) => Promise<string>;
  /** Takes database and namespace away, unless DAKIA_TEST_KEEP is set. */
  readonly clear: () => Promise<void>;
  /** Prints how many steps held; the exit code. */
  readonly account: () => number;
}

export interface Login {
  readonly user: string;
  /** Puts it into the Secret of payments. */
  readonly give: () => Promise<unknown>;
}

export const must = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Error(otherwise);
};

const secret = (name: string, data: Readonly<Record<string, string>>): unknown => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: data,
});

/** Steps, told as they end. */
const tellSteps = (): Pick<Workplace, 'step' | 'account'> & { readonly say: (line: string) => void } => {
  let [passed, failed] = [0, 0];
  const began = Date.now();
  const say = (line: string): void => void process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  return {
    say,
    step: async (what, work) => {
      const since = Date.now();
      try {
        const found = await work();
        passed += 1;
        const seconds = ((Date.now() - since) / 1000).toFixed(0);
        say(`ok      ${what} (${seconds} s)${found === undefined ? '' : `: ${found}`}`);
      } catch (error) {
        failed += 1;
        say(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    account: () => {
      process.stdout.write(`\n${passed} passed, ${failed} failed in ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
      return failed === 0 ? 0 : 1;
    },
  };
};

export const openWorkplace = (settings: ClusterTestSettings): Workplace => {
  const id = randomBytes(3).toString('hex');
  const cluster = clusterIn(`dakia-test-${id}`);
  const { namespace, kubectl, apply } = cluster;
  const folder = mkdtempSync(join(tmpdir(), 'dakia-cluster-'));
  const values = join(folder, 'values.yaml');
  const { say, step, account } = tellSteps();
  const database = `dakia_test_${id}`;
  const databaseUrl = new URL(settings.databaseUrl);
  databaseUrl.pathname = `/${database}`;

  /** Runs statements from inside the cluster: only pods need to reach the server. */
  const sql = async (name: string, ...statements: readonly string[]): Promise<void> => {
    const queries = statements.map((statement) => `.then(() => client.query(${JSON.stringify(statement)}))`).join('');
    const program = `const { Client } = require('pg'); const client = new Client(process.env.URL);
    client.connect()${queries}.then(() => client.end())`;
    const env = [{ name: 'URL', valueFrom: { secretKeyRef: { name: 'server', key: 'url' } } }];
    const secrets = Object.hasOwn(settings.security, AUTHORITY_SECRET)
      ? { '/etc/dakia/postgres-tls': AUTHORITY_SECRET }
      : {};
    await apply(restrictedPod({ name, image: settings.image, program, env, secrets }));
    await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=60s');
  };

  const loginOf = (suffix: string) => {
    const [user, password] = [`${database}_${suffix}`, randomBytes(18).toString('hex')];
    const url = Object.assign(new URL(databaseUrl), { username: user, password }).href;
    return {
      user,
      // The servers are those of a test; what a login of a service may do is tried elsewhere.
      create: `CREATE ROLE ${user} LOGIN SUPERUSER PASSWORD '${password}'`,
      give: () => apply(secret(PAYMENTS_SECRET, { url })),
    };
  };
  const logins = [loginOf('a'), loginOf('b')] as const;

  return {
    cluster,
    values,
    step,
    account,
    logins,
    sql,
    prepare: async () => {
      await step('a namespace that enforces the restricted Pod Security Standard', async () => {
        await kubectl('create', 'namespace', namespace);
        const labels = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
        await kubectl('label', 'namespace', namespace, ...labels);
        await apply(secret('server', { url: settings.databaseUrl }));
        await apply(secret('postgres', { url: databaseUrl.href }));
        await logins[0].give();
        await apply(secret('redis', { url: settings.redisUrl }));
        for (const [name, data] of Object.entries(settings.security)) await apply(secret(name, data));
        await apply(secret('webhook', { secrets: `${randomBytes(24).toString('hex')}\n` }));
        writeFileSync(values, stringify(settings.values(id)));
        return undefined;
      });
      await step('a database of its own: one belongs to one deployment', async () => {
        await sql('make-database', `CREATE DATABASE ${database}`, ...logins.map(({ create }) => create));
        return undefined;
      });
    },
    dakia: async (...args) =>
      kubectl(
        'exec',
        `deploy/${RELEASE}-payments`,
        '--',
        '/usr/local/bin/node',
        '--disable-warning=ExperimentalWarning',
        'deploy/image/entry.ts',
        'cli',
        ...args,
      ),
    clear: async () => {
      if (process.env['DAKIA_TEST_KEEP'] === undefined) {
        const drop = [
          `DROP DATABASE ${database} WITH (FORCE)`,
          `DROP ROLE IF EXISTS ${logins.map(({ user }) => user).join(', ')}`,
        ];
        await sql('drop-database', ...drop).catch((error: unknown) => say(String(error)));
        await kubectl('delete', 'namespace', namespace, '--wait=false').catch(() => undefined);
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
