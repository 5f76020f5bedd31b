/**
 * `npm run test:cluster`: the chart on a real cluster, KUBECONFIG. The nodes must have the image (DAKIA_TEST_IMAGE),
 * pods must reach the servers of KAFKA_BROKERS, DATABASE_URL, REDIS_URL and SCHEMA_REGISTRY_URL
 * (test/cluster/servers.ts starts such beside a cluster on one machine), whose network is DAKIA_TEST_SERVERS_CIDR.
 * Installs into a namespace of its own, which is removed at the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CHART } from '../chart/kit/tools.ts';
import { disturb } from './disturb.ts';
import type { Pods } from './kubectl.ts';
import { rotationOf } from './rotation.ts';
import { accounted, answered, sendFrom } from './sender.ts';
import { settingsOfTest } from './settings.ts';
import { must, openWorkplace, RELEASE } from './workplace.ts';

const settings = settingsOfTest(process.env);
const workplace = openWorkplace(settings);
const { cluster, values, step, dakia } = workplace;
const { kubectl, helm, get } = cluster;
const GONE_WITHIN_MS = 120_000;
const WAIT = ['--wait', '--timeout', '10m'];

const restarts = async (): Promise<number> => {
  const { items } = await get<Pods>('pods', '-l', `app.kubernetes.io/instance=${RELEASE}`);
  return items
    .flatMap(({ status }) => status.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
};

const main = async (): Promise<void> => {
  await workplace.prepare();
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
  const rotation = rotationOf(workplace);
  await rotation.begin();
  await step(`all ${settings.count} events were answered 200 in the end, without a storm of 5xx`, async () =>
    answered(await sender.finished()),
  );
  await step('dakia verify: every row is as it must be', async () =>
    (await dakia('verify', '--wait', '120', ...sender.runOptions())).trim(),
  );
  await step('dakia status: every accepted event is accounted for', () => accounted(dakia));
  await rotation.end();
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
  await workplace.clear();
}
process.exit(workplace.account());
