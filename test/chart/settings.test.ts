import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { retentionSettings } from '#operate';
import {
  kafkaSettings,
  opsSettings,
  postgresSettings,
  processSettings,
  receivedSettings,
  registrySettings,
  traceSettings,
  variablesOf,
} from '#platform/config';
import type { Setting, Settings } from '#platform/config';
import { allServices } from '../../services/services.ts';
import { componentOf, containersOf, podsOf } from './kit/pods.ts';
import type { Container } from './kit/pods.ts';
import { caseNames, rendered } from './kit/render.ts';
import { ROOT } from './kit/tools.ts';

/** Read by Node itself. */
const OF_NODE = ['NODE_OPTIONS'];
/** What rules of notifications may name; the chart's cases name these. */
const OF_RULES = ['DAKIA_ORDER_SYSTEM_URL', 'DAKIA_SLACK_URL_FILE'];
/** Read by the commands that are run in a pod. */
const OF_COMMANDS = new Map(Object.values(receivedSettings).map((setting) => [setting.env, setting]));
/** Fixed by the ports and files of the chart, so that nobody can set them apart. */
const FIXED = [
  'DAKIA_OPS_HOST',
  'DAKIA_OPS_PORT',
  'DAKIA_WEBHOOK_HOST',
  'DAKIA_WEBHOOK_PORT',
  'RAZORPAY_WEBHOOK_SECRETS',
];

/**
 * What says what a variable may be: its setting, or nothing where it names a file, whose content the chart does not
 * have.
 */
const checksOf = (settings: Settings): ReadonlyMap<string, Setting<unknown> | undefined> =>
  new Map(
    Object.values(settings).flatMap((setting) =>
      variablesOf(setting).map(
        (name, index) => [name, index > 0 || setting.place === 'file' ? undefined : setting] as const,
      ),
    ),
  );
const settingsOf = (service: (typeof allServices)[number]): Settings => ({
  ...processSettings,
  ...opsSettings,
  ...traceSettings,
  ...service.settings,
});
const isIn = (given: ReadonlySet<string>, setting: Setting<unknown>): boolean =>
  variablesOf(setting).some((name) => given.has(name));
const containerOf = (name: string, service: string): Container | undefined =>
  podsOf(rendered(name)).find(({ object, labels }) => object.kind === 'Deployment' && componentOf(labels) === service)
    ?.spec.containers[0];

test('the chart installs the image of this version', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
  for (const { image } of podsOf(rendered('minimal')).flatMap(containersOf)) expect(image).toBe(`dakia:${version}`);
});

test('the chart has every service, and no other', () => {
  const found = podsOf(rendered('minimal'))
    .filter(({ object }) => object.kind === 'Deployment')
    .map(({ labels }) => componentOf(labels));
  expect(found.sort()).toEqual(allServices.map(({ name }) => name).sort());
  for (const service of found) expect(containerOf('minimal', service)?.args).toEqual([service]);
});

describe.each(allServices.map((service) => [service.name, service] as const))('%s', (name, service) => {
  const settings = Object.values(settingsOf(service));
  const known = checksOf(settingsOf(service));

  test.each(caseNames)(
    'of %s has no variable that no setting reads, and none that the setting would refuse',
    (caseName) => {
      for (const { name: variable, value } of containerOf(caseName, name)?.env ?? []) {
        if (OF_NODE.includes(variable) || OF_RULES.includes(variable)) continue;
        if (!known.has(variable) && !OF_COMMANDS.has(variable)) throw new Error(`${variable} is no setting of ${name}`);
        const setting = known.get(variable) ?? OF_COMMANDS.get(variable);
        if (value !== undefined)
          expect({ variable, problems: setting?.schema.safeParse(value).error?.issues ?? [] }).toEqual({
            variable,
            problems: [],
          });
      }
    },
  );

  test('has every setting that has no default', () => {
    const given = new Set(containerOf('minimal', name)?.env?.map((each) => each.name));
    const required = settings.filter(({ schema }) => !schema.safeParse(undefined).success);
    expect(required.filter((setting) => !isIn(given, setting)).map(({ env }) => env)).toEqual([]);
  });

  test('can be given every setting by values', () => {
    const given = new Set(
      caseNames.flatMap((caseName) => containerOf(caseName, name)?.env ?? []).map((each) => each.name),
    );
    const missing = settings.filter((setting) => !isIn(given, setting)).map(({ env }) => env);
    expect(missing.filter((env) => !FIXED.includes(env))).toEqual([]);
  });
});

describe('commands of jobs', () => {
  const jobsOf = (name: string): readonly Container[] =>
    podsOf(rendered(name))
      .filter(({ object }) => object.kind === 'Job' || object.kind === 'CronJob')
      .flatMap(containersOf);
  const maintainOf = (name: string): readonly Container[] =>
    jobsOf(name).filter(({ args = [] }) => args.join(' ') === 'cli maintain');
  const known = checksOf({ ...kafkaSettings, ...registrySettings, ...postgresSettings, ...retentionSettings });

  test.each(caseNames)(
    'of %s have no variable that no setting reads, and none that the setting would refuse',
    (name) => {
      expect(jobsOf(name).length).toBeGreaterThan(1);
      for (const { args, env = [] } of jobsOf(name))
        for (const { name: variable, value } of env.filter((each) => !OF_NODE.includes(each.name)))
          expect({
            args,
            variable,
            known: known.has(variable),
            refused: value !== undefined && known.get(variable)?.schema.safeParse(value).success === false,
          }).toEqual({ args, variable, known: true, refused: false });
    },
  );

  test('once a day dakia maintain runs with every setting that it reads, as the values say', () => {
    for (const name of caseNames) {
      const [container, ...others] = maintainOf(name);
      expect(others).toEqual([]);
      const given = container?.env?.map((each) => each.name);
      expect(given).toEqual(expect.arrayContaining(Object.values(retentionSettings).map(({ env }) => env)));
    }
    expect(maintainOf('everything')[0]?.env).toEqual(
      expect.arrayContaining([
        { name: 'DAKIA_KEEP_CONFLICTS_DAYS', value: '365' },
        { name: 'DAKIA_KEEP_REDELIVERIES_DAYS', value: '90' },
        { name: 'DAKIA_KEEP_AUDIT_DAYS', value: '400' },
        { name: 'DAKIA_KEEP_OUTBOX_DAYS', value: '120' },
        { name: 'DAKIA_KEEP_NOTIFICATIONS_DAYS', value: '130' },
      ]),
    );
  });
});
