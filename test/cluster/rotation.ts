import { setTimeout as sleep } from 'node:timers/promises';
import type { Pods } from './kubectl.ts';
import { must, RELEASE } from './workplace.ts';
import type { Workplace } from './workplace.ts';

/** The service whose login is rotated, and the Secret that has it. */
const SERVICE = 'payments';
/** The kubelet renews a mounted Secret within its sync period (60 s) and the time that its cache holds it. */
const RENEWED_WITHIN_MS = 150_000;
const LOOK_EVERY_MS = 3_000;
const FILE = '/etc/dakia/postgres/url';

/**
 * The login of one service becomes another one while its pods run: the Secret is changed, the kubelet renews the files,
 * the login of before is taken away with its sessions. `begin` costs nothing, `end` waits for what is left.
 */
export const rotationOf = ({ cluster, logins, sql, step }: Workplace) => {
  const { kubectl, get } = cluster;
  const [first, second] = logins;
  const pods = async (): Promise<Pods['items']> => {
    const { items } = await get<Pods>(
      'pods',
      '-l',
      `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component=${SERVICE}`,
    );
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  const namesOf = (found: Pods['items']): readonly string[] =>
    found
      .map(({ metadata, status }) => `${metadata.name} ${status.containerStatuses?.[0]?.restartCount ?? 0}`)
      .toSorted();
  /** The user in the file that the pod sees; never the password. */
  const userIn = async (pod: string): Promise<string> => {
    const program = `console.log(new URL(require('fs').readFileSync('${FILE}','utf8')).username)`;
    return (await kubectl('exec', pod, '--', '/usr/local/bin/node', '-e', program)).trim();
  };
  let [before, since] = [[] as readonly string[], 0];

  return {
    begin: () =>
      step(`the Secret of ${SERVICE} has another login to Postgres`, async () => {
        before = namesOf(await pods());
        since = Date.now();
        await second.give();
        return undefined;
      }),
    end: () =>
      step(
        `the login of before is taken away, and ${SERVICE} goes on with the other one, without a restart`,
        async () => {
          for (const { metadata } of await pods())
            while ((await userIn(metadata.name)) !== second.user) {
              must(Date.now() - since < RENEWED_WITHIN_MS, `the file in ${metadata.name} was not renewed`);
              await sleep(LOOK_EVERY_MS);
            }
          const renewed = ((Date.now() - since) / 1000).toFixed(0);
          await sql(
            'end-login',
            `ALTER ROLE ${first.user} NOLOGIN`,
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${first.user}'`,
          );
          await cluster.helm('test', RELEASE, '--timeout', '5m');
          const after = namesOf(await pods());
          must(after.join() === before.join(), `pods were ${before.join(', ')} and are ${after.join(', ')}`);
          return `the files were renewed within ${renewed} s`;
        },
      ),
  };
};
