/**
 * `npm run test:cluster`: the chart on a real cluster, KUBECONFIG. The nodes must have the image (DAKIA_TEST_IMAGE), pods must reach the
 * servers of KAFKA_BROKERS, DATABASE_URL, REDIS_URL and SCHEMA_REGISTRY_URL (test/cluster/servers.ts starts such beside a cluster on one
 * machine), whose network is DAKIA_TEST_SERVERS_CIDR. Installs into a namespace of its own, which is removed at the end.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { CHART } from '../chart/kit/tools.ts';
import { disturb } from './disturb.ts';
import { clusterIn } from './kubectl.ts';
import type { Pods } from './kubectl.ts';
import { restrictedPod } from './pods.ts';
import { sendFrom } from './sender.ts';
import { settingsOfTest } from './settings.ts';

const settings = settingsOfTest(process.env);
const id = randomBytes(3).toString('hex');
const cluster = clusterIn(`dakia-test-${id}`);
const { namespace, kubectl, helm, apply, get } = cluster;
const RELEASE = 'dakia';
const GONE_WITHIN_MS = 120_000;
const WAIT = ['--wait', '--timeout', '10m'];
const folder = mkdtempSync(join(tmpdir(), 'dakia-cluster-'));
const values = join(folder, 'values.yaml');

let [passed, failed] = [0, 0];
const began = Date.now();
const say = (line: string): void => void process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
/** One thing that must hold. A failure is told and the run goes on: the next steps say more about it. */
const step = async (what: string, work: () => Promise<string | undefined>): Promise<void> => {
  const since = Date.now();
  try {
    const found = await work();
    passed += 1;
    say(`ok      ${what} (${((Date.now() - since) / 1000).toFixed(0)} s)${found === undefined ? '' : `: ${found}`}`);
  } catch (error) {
    failed += 1;
    say(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
};
const must = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Error(otherwise);
};

const database = `dakia_test_${id}`;
const databaseUrl = new URL(settings.databaseUrl);
databaseUrl.pathname = `/${database}`;

/** Runs a statement from inside the cluster: only pods need to reach the server. */
const sql = async (name: string, statement: string): Promise<void> => {
  const program = `const { Client } = require('pg'); const client = new Client(process.env.URL);
    client.connect().then(() => client.query('${statement}')).then(() => client.end())`;
  const env = [{ name: 'URL', valueFrom: { secretKeyRef: { name: 'server', key: 'url' } } }];
  await apply(restrictedPod({ name, image: settings.image, program, env }));
  await kubectl('wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=60s');
};

const secret = (name: string, data: Readonly<Record<string, string>>): unknown => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: data,
});
/** The dakia command, in a pod that runs already. */
const dakia = async (...args: readonly string[]): Promise<string> =>
  kubectl(
    'exec',
    `deploy/${RELEASE}-payments`,
    '--',
    '/usr/local/bin/node',
    '--disable-warning=ExperimentalWarning',
    'deploy/image/entry.ts',
    'cli',
    ...args,
  );
const restarts = async (): Promise<number> => {
  const { items } = await get<Pods>('pods', '-l', `app.kubernetes.io/instance=${RELEASE}`);
  return items
    .flatMap(({ status }) => status.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
};

const main = async (): Promise<void> => {
  await step('a namespace that enforces the restricted Pod Security Standard', async () => {
    await kubectl('create', 'namespace', namespace);
    await kubectl(
      'label',
      'namespace',
      namespace,
      'pod-security.kubernetes.io/enforce=restricted',
      'pod-security.kubernetes.io/warn=restricted',
    );
    await apply(secret('server', { url: settings.databaseUrl }));
    await apply(secret('postgres', { url: databaseUrl.href }));
    await apply(secret('redis', { url: settings.redisUrl }));
    await apply(secret('webhook', { secrets: `${randomBytes(24).toString('hex')}\n` }));
    writeFileSync(values, stringify(settings.values(id)));
    return undefined;
  });

  await step('a database of its own: one belongs to one deployment', async () => {
    await sql('make-database', `CREATE DATABASE ${database}`);
    return undefined;
  });
  await step(
    'helm install, with hook jobs, network policies and two pods of each service that is disturbed',
    async () => {
      const output = await helm('install', RELEASE, CHART, '--values', values, ...WAIT);
      must(!/would violate PodSecurity/.test(output), output);
      return `${(await get<Pods>('pods', '-l', `app.kubernetes.io/instance=${RELEASE}`)).items.length} pods`;
    },
  );
  await step('helm test: a signed delivery is applied', async () => {
    await helm('test', RELEASE, '--timeout', '5m');
    return (await kubectl('logs', `${RELEASE}-test`, '-c', 'verify')).trim();
  });
  await step('the network policies hold: ingest does not reach Postgres', async () => {
    const { hostname, port } = new URL(settings.databaseUrl);
    const program = `require('net').connect({host:'${hostname}',port:${port},timeout:3000}).on('connect',()=>{console.log('open');process.exit()}).on('timeout',()=>{console.log('closed');process.exit()}).on('error',()=>{console.log('closed');process.exit()})`;
    const tryFrom = (service: string): Promise<string> =>
      kubectl('exec', `deploy/${RELEASE}-${service}`, '--', '/usr/local/bin/node', '-e', program);
    must((await tryFrom('ingest')).trim() === 'closed', 'ingest reached Postgres');
    must((await tryFrom('payments')).trim() === 'open', 'payments did not reach Postgres');
    return undefined;
  });

  const sender = sendFrom(cluster, settings.image, RELEASE, { count: settings.count, rate: settings.rate });
  await step(`sending of ${settings.count} events through the Service begins`, sender.start);
  await sleep(5_000);
  await disturb({ cluster, release: RELEASE, chart: CHART, values, step, running: sender.running });
  await step(`all ${settings.count} events were answered 200 in the end, without a storm of 5xx`, async () => {
    const report = await sender.finished();
    const bad = Object.entries(report.answers).reduce(
      (sum, [answer, count]) => (/^5/.test(answer) ? sum + count : sum),
      0,
    );
    must(report.unexpected === 0, `${report.unexpected} were not: ${JSON.stringify(report.surprises)}`);
    must(bad <= report.sent * 0.02, `${bad} of ${report.sent} requests were answered 5xx`);
    return `${JSON.stringify(report.answers)}, ${report.retried} repeated, p50 ${report.p50Ms} ms, p99 ${report.p99Ms} ms`;
  });
  await step('dakia verify: every row is as it must be', async () =>
    (await dakia('verify', '--wait', '120', ...sender.runOptions())).trim(),
  );
  await step('dakia status: every accepted event is accounted for', async () => {
    const status = JSON.parse(await dakia('status', '--json')) as {
      readonly ok: boolean;
      readonly totals: Readonly<Record<string, number>>;
    };
    must(status.ok, JSON.stringify(status));
    return JSON.stringify(status.totals);
  });
  if (settings.hpa)
    await step('the autoscaler added pods of ingest while events came', async () => {
      const { status } = await get<{ readonly status: { readonly currentReplicas: number } }>(
        'hpa',
        `${RELEASE}-ingest`,
      );
      must(status.currentReplicas > 2, `it has ${status.currentReplicas}`);
      return `from 2 to ${status.currentReplicas}`;
    });
  await step('no container was restarted', async () => {
    const count = await restarts();
    must(count === 0, `${count} restarts`);
    return undefined;
  });

  await step('helm rollback to the first revision', async () => {
    await helm('rollback', RELEASE, '1', ...WAIT);
    await helm('test', RELEASE, '--timeout', '5m');
    return undefined;
  });
  await step('helm uninstall leaves what is documented, and nothing else', async () => {
    await helm('uninstall', RELEASE, ...WAIT);
    const left = async (): Promise<readonly string[]> => {
      const kinds = 'all,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets';
      const found = await kubectl('get', kinds, '-l', `app.kubernetes.io/instance=${RELEASE}`, '-o', 'name');
      return found.split('\n').filter((name) => name !== '' && name !== 'pod/dakia-sender');
    };
    const documented = /^(job\.batch|pod)\/dakia-((migrations|partitions|topics|schemas)(-\w+)?|test)$/;
    // Pods that drain are there until they have.
    const end = Date.now() + GONE_WITHIN_MS;
    let names = await left();
    while (!names.every((name) => documented.test(name))) {
      must(Date.now() < end, names.join(', '));
      await sleep(2_000);
      names = await left();
    }
    return names.join(', ');
  });
};

try {
  await main();
} finally {
  if (process.env['DAKIA_TEST_KEEP'] === undefined) {
    await sql('drop-database', `DROP DATABASE ${database} WITH (FORCE)`).catch((error: unknown) => say(String(error)));
    await kubectl('delete', 'namespace', namespace, '--wait=false').catch(() => undefined);
  }
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`\n${passed} passed, ${failed} failed in ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
process.exit(failed === 0 ? 0 : 1);
