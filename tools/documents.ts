import { eventNames, eventSpec, families, familyNames, QUARANTINE_SERVICE, QUARANTINE_TOPIC } from '#catalogue';
import type { Family } from '#catalogue';
import { allAggregates } from '#families';
import type { Aggregate } from '#families';
import { embeddedSettings } from '#local';
import {
  opsSettings,
  processSettings,
  receivedSettings,
  redisSettings,
  traceSettings,
  variablesOf,
} from '#platform/config';
import { retentionSettings } from '#operate';
import type { Setting, Settings } from '#platform/config';
import { codes } from '#platform/log';
import { printedId, scenarios } from '#simulator';
import { endings } from '../cli/output.ts';
import { timeSettings } from '../cli/times.ts';
import { allServices } from '../services/services.ts';
import { runsPage, savedRuns } from '../test/load/saved-runs.ts';
import { renderChartReadme, renderChartTopics } from './chart-documents.ts';
import { code, NOTICE, table } from './markdown.ts';
import { metricsPage } from './metrics-document.ts';
import { observabilityDocuments } from './observability/documents.ts';
import type { Document } from './rendered-document.ts';

const familyRow = (family: Family): readonly string[] => {
  const spec = families[family];
  return [family, code(spec.topic), code(spec.table), code(spec.keyColumn), spec.service, String(spec.priority)];
};

const eventsPage = (): string => `${NOTICE}

# Events

${eventNames.length} events in ${familyNames.length} families. A family is a topic, a table and a rule; the Kafka key and the row's key are the entity's id.

${table(['family', 'topic', 'table', 'key column', 'service', 'priority'], familyNames.map(familyRow))}

Authentic deliveries that no row understands go to ${code(QUARANTINE_TOPIC)} and the service ${QUARANTINE_SERVICE}. Priority 1 is the most urgent.

${table(
  ['event', 'family', 'subject below `payload`', 'key', 'what it says'],
  eventNames.map((event) => {
    const { family, subject, keyField, summary } = eventSpec(event);
    return [code(event), family, code(subject), code(keyField), summary];
  }),
)}
`;

const moveText = (move: Aggregate['table'][string] extends infer Row ? Row[keyof Row] : never): string =>
  typeof move === 'string' ? move : `→ ${move.to}`;

const statesOf = (aggregate: Aggregate): string => {
  const [only, ...more] = aggregate.statuses;
  if (more.length === 0) return `## ${aggregate.family}\n\nOne status, ${code(only ?? '')}, whatever the event.\n`;
  const triggers = Object.keys(aggregate.table['absent'] ?? {});
  const rows = ['absent', ...aggregate.statuses].map((from) => [
    code(from),
    ...triggers.map((event) => moveText(aggregate.table[from]?.[event] ?? 'rejected')),
  ]);
  return (
    `## ${aggregate.family}\n\nStatuses, lowest first: ${aggregate.statuses.map(code).join(' < ')}.\n\n` +
    `${table(['from', ...triggers.map(code)], rows)}\n`
  );
};

const statesPage = (): string => `${NOTICE}

# States

Where each event leads from each status when events come in order. An event that comes late is *stale*: it moves nothing and may
fill in what no newer one has said. In any order the end is the same row ([why](adr/0002-state-is-a-join-of-snapshots.md)).

${allAggregates.map(statesOf).join('\n')}`;

/** Longer lists of values are those of a page of their own. */
const VALUES_SHOWN = 20;

/** The columns of one state table, in the words of its fields. */
const columnsOf = ({ family, fields }: Aggregate): string => {
  const { table: name, keyColumn, noun } = families[family];
  const rows = Object.entries(fields).map(([column, { type, rule, words, personal, values }]) => [
    code(column),
    type,
    `${words}${values === undefined || values.length > VALUES_SHOWN ? '' : ` One of ${values.map(code).join(', ')}.`}`,
    rule,
    personal ? 'yes' : '',
  ]);
  const head = ['column', 'type', 'what it says', 'merged by', 'personal'];
  return `## ${family}\n\nOne row of ${code(name)} per ${noun}, by ${code(keyColumn)}.\n\n${table(head, rows)}\n`;
};

const columnsPage = (): string => `${NOTICE}

# Columns

Every column of the state tables but the key and \`status\` ([statuses](states.md)). Amounts (\`*_minor\`) are minor units of the row's
currency; null is unknown. *merged by* says which of several snapshots counts: the \`latest\` that has a value; \`clearable\`: the same, but
null is a value; the \`highest\` or \`lowest\` number; \`newest\`: of the newest snapshot alone; \`ever\`: true once it was true. A *personal* column is sent to a receiver only
where the destination lists it ([notifications](notifications.md)).

${allAggregates.map(columnsOf).join('\n')}`;

const conformancePage = (current: string): string =>
  between(
    current,
    'scenarios',
    table(
      ['id', 'title', 'known', 'run', 'what it shows, or why it is not run'],
      scenarios.map((scenario) => [
        printedId(scenario),
        scenario.title,
        scenario.evidence,
        typeof scenario.run === 'function' ? 'yes' : scenario.run,
        scenario.says,
      ]),
    ),
  );

const settingsTable = (): string => {
  const rows = new Map<string, { readonly setting: Setting<unknown>; readonly services: string[] }>();
  const add = (service: string, settings: Settings): void => {
    for (const setting of Object.values(settings)) {
      const row = rows.get(setting.env) ?? { setting, services: [] };
      if (!row.services.includes(service)) row.services.push(service);
      rows.set(setting.env, row);
    }
  };
  add('every service', { ...processSettings, ...opsSettings, ...traceSettings });
  for (const { name, settings } of allServices) add(name, settings);
  add('npx dakia doctor', redisSettings);
  add('npx dakia status', receivedSettings);
  add('npx dakia', timeSettings);
  add('npx dakia maintain', retentionSettings);
  add('npm start', embeddedSettings);
  return table(
    ['setting', 'default', 'used by', 'what it is'],
    [...rows.values()].map(({ setting, services }) => [
      code(setting.env),
      defaultOf(setting),
      usersOf(services),
      `${setting.description}${setting.secret ? ' Secret.' : ''}${inFile(setting)}`,
    ]),
  );
};

const inFile = (setting: Setting<unknown>): string => {
  const [, file] = variablesOf(setting);
  return file === undefined ? '' : ` Or in the file that ${code(file)} names.`;
};

/** Services are named one by one unless nearly all are meant. */
const usersOf = (users: readonly string[]): string => {
  const names: readonly string[] = allServices.map(({ name }) => name);
  const missing = names.filter((name) => !users.includes(name));
  const others = users.filter((user) => !names.includes(user));
  const services =
    missing.length === 0
      ? ['every service']
      : missing.length <= MISSING_NAMED
        ? [`all but ${missing.join(' and ')}`]
        : users.filter((user) => names.includes(user));
  return [...services, ...others].join(', ');
};
const MISSING_NAMED = 2;

const defaultOf = ({ schema }: Setting<unknown>): string => {
  const read = schema.safeParse(undefined);
  if (!read.success) return 'required';
  return read.data === undefined
    ? 'none'
    : read.data === ''
      ? 'empty'
      : code(JSON.stringify(read.data).replaceAll('"', ''));
};

/** Replaces what stands between the markers `<!-- begin NAME -->` and `<!-- end NAME -->`. */
const between = (page: string, name: string, content: string): string => {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no markers ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n${content}\n${page.slice(to)}`;
};

const codesTable = (): string =>
  table(
    ['code', 'what it means', 'what to do'],
    Object.entries(codes).map(([name, { means, remedy }]) => [code(name), means, remedy]),
  );

export const documents: readonly Document[] = [
  ...observabilityDocuments,
  { path: 'charts/dakia/files/topics.json', render: renderChartTopics },
  { path: 'charts/dakia/README.md', render: renderChartReadme },
  { path: 'docs/events.md', render: eventsPage },
  { path: 'docs/states.md', render: statesPage },
  { path: 'docs/columns.md', render: columnsPage },
  { path: 'docs/metrics.md', render: metricsPage },
  { path: 'docs/conformance.md', render: conformancePage },
  {
    path: 'docs/failures.md',
    render: (current) =>
      between(
        between(current, 'codes', codesTable()),
        'exit-codes',
        table(
          ['exit code', 'what it means'],
          endings.map(([number, means]) => [String(number), means]),
        ),
      ),
  },
  { path: 'docs/performance.md', render: (current) => between(current, 'runs', runsPage(savedRuns())) },
  { path: 'README.md', render: (current) => between(current, 'settings', settingsTable()) },
];
