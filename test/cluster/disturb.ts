import { setTimeout as sleep } from 'node:timers/promises';
import { evict } from './kubectl.ts';
import type { Cluster, Pods } from './kubectl.ts';

interface Disturbance {
  readonly cluster: Cluster;
  readonly release: string;
  readonly chart: string;
  readonly values: string;
  readonly step: (what: string, work: () => Promise<string | undefined>) => Promise<void>;
  /** Whether events are still being sent. */
  readonly running: () => Promise<boolean>;
}

const SERVICES = ['ingest', 'payments', 'refunds', 'notifier'];
const KILLS = 6;
const EVICT_WITHIN_MS = 240_000;

const podsOf = async ({ get }: Cluster, release: string, service: string): Promise<Pods['items']> => {
  const { items } = await get<Pods>(
    'pods',
    '-l',
    `app.kubernetes.io/instance=${release},app.kubernetes.io/component=${service}`,
  );
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
};
const isReady = (pod: Pods['items'][number]): boolean =>
  pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
const ready = async (cluster: Cluster, release: string): Promise<void> => {
  for (const service of SERVICES)
    await cluster.kubectl('rollout', 'status', `deploy/${release}-${service}`, '--timeout=300s');
};

/** What a platform does to a release while it works: an upgrade, pods that die, a drain of nodes. */
export const disturb = async ({ cluster, release, chart, values, step, running }: Disturbance): Promise<void> => {
  /** A disturbance that no event met shows less; it is said, since it depends on how fast the machine is. */
  const told = async (found: string | undefined): Promise<string | undefined> => {
    if (await running()) return found;
    return [found, 'the sender had ended before: send more events (DAKIA_TEST_EVENTS)'].filter(Boolean).join('; ');
  };
  await step('a rolling upgrade of every service while events come', async () => {
    await cluster.helm(
      'upgrade',
      release,
      chart,
      '--values',
      values,
      '--set-string',
      'defaults.podAnnotations.rolled=1',
      '--wait',
      '--timeout',
      '10m',
    );
    return told(undefined);
  });

  await step(`${KILLS} pods are killed, one after another`, async () => {
    const killed: string[] = [];
    for (let index = 0; index < KILLS; index += 1) {
      const service = SERVICES[index % SERVICES.length] ?? '';
      const [pod] = (await podsOf(cluster, release, service)).filter(isReady);
      if (pod === undefined) continue;
      await cluster.kubectl('delete', 'pod', pod.metadata.name, '--grace-period=0', '--force', '--wait=false');
      killed.push(service);
      await sleep(4_000);
    }
    await ready(cluster, release);
    return told(killed.join(', '));
  });

  await step('a drain evicts every pod of ingest and payments within the disruption budgets', async () => {
    let refused = 0;
    for (const service of ['ingest', 'payments']) {
      // Asked for at once, as a drain does: the budget lets one go and refuses the other until the first is back.
      const waiting = new Set((await podsOf(cluster, release, service)).map(({ metadata }) => metadata.name));
      const end = Date.now() + EVICT_WITHIN_MS;
      while (waiting.size > 0) {
        if (Date.now() > end) throw new Error(`${[...waiting].join(', ')} could not be evicted`);
        for (const pod of waiting) {
          if (await evict(cluster, pod)) waiting.delete(pod);
          else refused += 1;
        }
        await sleep(1_000);
      }
    }
    await ready(cluster, release);
    if (refused === 0) throw new Error('no eviction was ever refused: the budgets allow more than one at a time');
    return told(`${refused} evictions were refused until the pod before was back`);
  });
};
