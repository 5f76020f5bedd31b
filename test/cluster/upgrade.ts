/**
 * `node test/cluster/upgrade.ts`: a release of an earlier commit, its chart (DAKIA_TEST_EARLIER_CHART,
 * a folder) with its image (DAKIA_TEST_EARLIER_IMAGE), becomes this chart with DAKIA_TEST_IMAGE while
 * events come, goes back, and comes once more. Events are those that the earlier release knows. Rows are not compared:
 * two releases with other rules wrote them. What became of the events is asked of this release, which alone knows all
 * that it counts. The rest is as in test/cluster/run.ts.
 */
import { CHART } from '../chart/kit/tools.ts';
import { accounted, answered, sendFrom } from './sender.ts';
import { settingsOfTest } from './settings.ts';
import { must, openWorkplace, RELEASE } from './workplace.ts';

const settings = settingsOfTest(process.env);
const [earlierImage = '', earlierChart = ''] = ['DAKIA_TEST_EARLIER_IMAGE', 'DAKIA_TEST_EARLIER_CHART'].map(
  (name) => process.env[name],
);
if (earlierImage === '' || earlierChart === '')
  throw new Error('DAKIA_TEST_EARLIER_IMAGE and DAKIA_TEST_EARLIER_CHART are not set; docs/cluster-test.md says how');
const workplace = openWorkplace(settings);
const { cluster, values, step, dakia } = workplace;
const { helm } = cluster;
const WAIT = ['--wait', '--timeout', '10m'];
const [, repository = '', tag = ''] = /^(.*):([^:]+)$/.exec(earlierImage) ?? [];

/** Counts of `dakia status` that say what became of an event; duplicates and sightings are no events of their own. */
const ENDS = ['applied', 'kept', 'stale', 'rejected', 'parked', 'dead'] as const;

/** Sightings that a consumer of the earlier release has put into the quarantine; an event there is a failure. */
const sightingsInQuarantine = async (): Promise<number> => {
  const { quarantined } = JSON.parse(await dakia('quarantine', 'list', '--limit', '10000', '--json')) as {
    readonly quarantined: readonly { readonly eventId: string; readonly reason: string }[];
  };
  const events = quarantined.filter(({ eventId, reason }) => !/^sighting of /.test(reason) || !eventId.includes('.'));
  must(events.length === 0, `events wait in the quarantine: ${JSON.stringify(events)}`);
  return quarantined.length;
};

/** Holds when every event that was sent is in the ledger once, and none waits in a way that nobody decides. */
const allThere = async (sent: number): Promise<string> => {
  const found = await accounted(dakia);
  const totals = JSON.parse(found) as Readonly<Partial<Record<string, number>>>;
  const there = ENDS.reduce((sum, end) => sum + (totals[end] ?? 0), 0);
  must(there === sent, `${there} of ${sent} events are there: ${found}`);
  must(totals['quarantined'] === 0, `something waits in the quarantine: ${found}`);
  return found;
};

let sent = 0;
/** Changes the release while events of `image` come; all must be answered in the end. */
const changeUnderLoad = async (
  what: string,
  name: string,
  image: string,
  change: () => Promise<unknown>,
): Promise<void> => {
  const sender = sendFrom(cluster, image, RELEASE, {
    count: settings.count,
    rate: settings.rate,
    name: `${RELEASE}-${name}`,
  });
  await step(`${what} while events come`, async () => {
    await sender.start();
    await change();
    must(await sender.running(), 'the sender had ended before the change had: send more events');
    return undefined;
  });
  await step(`${name}: all ${settings.count} events were answered 200 in the end`, async () =>
    answered(await sender.finished()),
  );
  sent += settings.count;
};

/** Once this release runs: replays what the earlier one has put aside, and judges what became of all that was sent. */
const settle = async (): Promise<void> => {
  await step('what consumers of the earlier release did not understand is replayed, no event among it', async () => {
    const sightings = await sightingsInQuarantine();
    if (sightings > 0) await dakia('quarantine', 'replay', '--all', '--yes');
    must((await sightingsInQuarantine()) === 0, 'the quarantine is not empty');
    return `${sightings} sightings`;
  });
  await step('every event that was answered is in the ledger once', () => allThere(sent));
};

const main = async (): Promise<void> => {
  await workplace.prepare();
  const set = ['--values', values];
  await step('helm install of the earlier chart with its image', async () => {
    const image = ['--set-string', `image.repository=${repository},image.tag=${tag}`];
    await helm('install', RELEASE, earlierChart, ...set, ...image, ...WAIT);
    return undefined;
  });
  await changeUnderLoad('helm upgrade to this chart', 'upgrade', earlierImage, () =>
    helm('upgrade', RELEASE, CHART, ...set, ...WAIT),
  );
  await settle();
  await changeUnderLoad('helm rollback to the earlier release', 'rollback', earlierImage, () =>
    helm('rollback', RELEASE, '1', ...WAIT),
  );
  await step('helm upgrade to this chart once more', async () => {
    await helm('upgrade', RELEASE, CHART, ...set, ...WAIT);
    return undefined;
  });
  await settle();
};

try {
  await main();
} finally {
  await workplace.clear();
}
process.exit(workplace.account());
