import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Pods } from './kubectl.ts';
import { restrictedPod } from './pods.ts';
import { must } from './workplace.ts';

export interface SendReport {
  readonly sent: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly retried: number;
  readonly unexpected: number;
  readonly surprises: unknown;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** How many events, how many a second; the pod's name where there is more than one. */
export interface SendWish {
  readonly count: number;
  readonly rate: number;
  readonly name?: string;
}

const FINISHED_WITHIN_MS = 900_000;
const LOOK_EVERY_MS = 2_000;

/**
 * Sends events from a pod inside the cluster, through the Service, as Razorpay would: what is not answered 2xx is sent
 * again. The pod counts as part of the release's tests, so that its network policies let it through.
 */
export const sendFrom = (
  { kubectl, apply, get }: Cluster,
  image: string,
  release: string,
  { count, rate, name = `${release}-sender` }: SendWish,
) => {
  const run = [
    '--seed',
    randomBytes(4).toString('hex'),
    '--count',
    String(count),
    '--at',
    String(Math.floor(Date.now() / 1000)),
  ];
  const phase = async (): Promise<string> => (await get<Pods['items'][number]>('pod', name)).status.phase;
  return {
    /** By which verify knows what was sent. */
    runOptions: (): readonly string[] => run,
    running: async (): Promise<boolean> => ['Pending', 'Running'].includes(await phase()),
    start: async (): Promise<undefined> => {
      await apply(
        restrictedPod({
          name,
          image,
          labels: {
            'app.kubernetes.io/name': 'dakia',
            'app.kubernetes.io/instance': release,
            'app.kubernetes.io/component': 'test',
          },
          args: [
            ...['cli', '--data-dir', '/tmp/dakia', 'simulate', ...run, '--rate', String(rate), '--duplicates', '0.1'],
            ...['--retry', '--json', '--url', `http://${release}-ingest/webhooks/razorpay`],
          ],
          env: [{ name: 'RAZORPAY_WEBHOOK_SECRETS_FILE', value: '/etc/webhook/secrets' }],
          secrets: { '/etc/webhook': 'webhook' },
        }),
      );
      await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=120s');
      return undefined;
    },
    finished: async (): Promise<SendReport> => {
      const end = Date.now() + FINISHED_WITHIN_MS;
      while (['Pending', 'Running'].includes(await phase())) {
        if (Date.now() > end) throw new Error(`the sender has not ended within ${FINISHED_WITHIN_MS / 1000} s`);
        await sleep(LOOK_EVERY_MS);
      }
      const [report] = (await kubectl('logs', name)).split('\n').filter((line) => line.startsWith('{'));
      if (report === undefined) throw new Error(`the sender said nothing: ${await kubectl('logs', name)}`);
      return JSON.parse(report) as SendReport;
    },
  };
};

/** Of all requests, this share may be answered 5xx: a pod that goes away, not a storm. */
const SHARE_OF_5XX_MAX = 0.02;

/** Holds when every event was answered 200 in the end; in words. */
export const answered = ({ answers, unexpected, surprises, sent, retried, p50Ms, p99Ms }: SendReport): string => {
  const bad = Object.entries(answers).reduce((sum, [answer, count]) => (/^5/.test(answer) ? sum + count : sum), 0);
  must(unexpected === 0, `${unexpected} were not: ${JSON.stringify(surprises)}`);
  must(bad <= sent * SHARE_OF_5XX_MAX, `${bad} of ${sent} requests were answered 5xx`);
  return `${JSON.stringify(answers)}, ${retried} repeated, p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
};

/** Holds when dakia status finds every accepted event accounted for; its totals. */
export const accounted = async (dakia: (...args: readonly string[]) => Promise<string>): Promise<string> => {
  const status = JSON.parse(await dakia('status', '--json')) as {
    readonly ok: boolean;
    readonly totals: Readonly<Record<string, number>>;
  };
  must(status.ok, JSON.stringify(status));
  return JSON.stringify(status.totals);
};
