import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ownTopics, QUARANTINE_SERVICE, serviceNames, topicsOf } from '#catalogue';
import { planTopics, productionShape } from '#kafka';

const chart = join(import.meta.dirname, '..', 'charts', 'dakia');
const DAY_MS = 86_400_000;
/** Set from values, as `topics apply` sets them from its options. */
const FROM_VALUES: ReadonlySet<string> = new Set(['min.insync.replicas', 'retention.ms']);

/**
 * `charts/dakia/files/topics.json`: which topics a service reads, for
 * KEDA, and how each topic is set, for Strimzi; from the catalogue.
 */
export const renderChartTopics = (): string => {
  const { actions } = planTopics(
    { topics: ownTopics, prefix: '', shape: productionShape },
    [],
    productionShape.replicationFactor,
  );
  const topics = actions.flatMap((action) => {
    if (action.kind !== 'create') return [];
    const config = Object.fromEntries(Object.entries(action.settings).filter(([name]) => !FROM_VALUES.has(name)));
    const days = Number(action.settings['retention.ms']) / DAY_MS;
    return [{ name: action.topic, retentionDaysMin: days > productionShape.retentionMs / DAY_MS ? days : 1, config }];
  });
  const services = Object.fromEntries(
    ([...serviceNames, QUARANTINE_SERVICE] as const).map((name) => [name, topicsOf(name)]),
  );
  return `${JSON.stringify({ services, topics }, undefined, 2)}\n`;
};

interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const rowsOf = (path: string, schema: Schema, value: unknown): readonly (readonly string[])[] => {
  if (schema.properties !== undefined && path !== 'services') {
    const values = (value ?? {}) as Readonly<Record<string, unknown>>;
    return Object.entries(schema.properties).flatMap(([name, each]) =>
      rowsOf(path === '' ? name : `${path}.${name}`, each, values[name]),
    );
  }
  const shown = isEmpty(value) ? 'none' : `\`${cell(JSON.stringify(value))}\``;
  const choices = schema.enum === undefined ? '' : ` One of ${schema.enum.join(', ')}.`;
  return [[`\`${path}\``, shown, cell(`${schema.description ?? ''}${choices}`)]];
};

const [BEGIN, END] = ['<!-- begin values -->', '<!-- end values -->'];

/**
 * The table of `charts/dakia/README.md`: every value with its default
 * and what it is, from values.yaml and values.schema.json.
 */
export const renderChartReadme = (before: string): string => {
  const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Schema;
  const values: unknown = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  const rows = [['value', 'default', 'what it is'], ['---', '---', '---'], ...rowsOf('', schema, values)];
  const table = rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
  const [head = '', rest = ''] = before.split(BEGIN);
  return `${head}${BEGIN}\n${table}\n${END}${rest.split(END)[1] ?? ''}`;
};
