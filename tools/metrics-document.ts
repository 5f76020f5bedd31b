import { metricAreas, nodeMetrics } from '#platform/metrics';
import type { AnyDeclaration, LabelSet } from '#platform/metrics';
import { code, NOTICE, table } from './markdown.ts';

const valuesOf = (label: string, { values, words }: LabelSet): string =>
  `${code(label)}: ${words === '' ? (values ?? []).map(code).join(', ') : words}`;

const rowOf = ([name, { kind, help, labels, movesOnlyWhen }]: readonly [string, AnyDeclaration]): readonly string[] => [
  code(name),
  kind,
  help + (movesOnlyWhen === undefined ? '' : ` Moves only when ${movesOnlyWhen}.`),
  Object.entries(labels)
    .map(([label, set]) => valuesOf(label, set))
    .join('; '),
];

const areaOf = ([area, declared]: readonly [string, Readonly<Record<string, AnyDeclaration>>]): string =>
  `## ${area}\n\n${table(['metric', 'type', 'what it says', 'labels'], Object.entries(declared).map(rowOf))}\n`;

const bucketsOf = (): string =>
  table(
    ['histogram', 'upper bounds'],
    Object.values(metricAreas).flatMap((declared) =>
      Object.entries(declared as Readonly<Record<string, AnyDeclaration>>).flatMap(([name, declaration]) =>
        'buckets' in declaration ? [[code(name), declaration.buckets.join(', ')]] : [],
      ),
    ),
  );

/** docs/metrics.md: every metric of libs/platform/metrics. */
export const metricsPage = (): string => `${NOTICE}

# Metrics

Every metric, at \`/metrics\` of the ops port (9400) of each process. Units are base units: \`_seconds\`, \`_bytes\`, \`_total\` for what
only grows. Labels come from the lists below: never an id, an address or free text. A label that a list of the catalogue bounds has no
other value; a *topic* carries no prefix of the deployment. Gauges that show what stands in Postgres, Redis or Kafka keep the last
answer while that server is away; \`dakia_dependency_up\` says that it is.

${Object.entries(metricAreas).map(areaOf).join('\n')}
## Buckets

${bucketsOf()}

## Node.js

As [prom-client](https://github.com/siimon/prom-client) tells them: ${nodeMetrics.map(code).join(', ')}.
`;
