import { cpus } from 'node:os';
import type { ApplyResult } from './apply/measure.ts';
import type { EndToEndResult } from './end-to-end/measure.ts';
import type { IngestResult } from './ingest/measure.ts';
import type { NotifyResult } from './notify/measure.ts';

/** The line of JSON; a part that was not measured is absent. */
export interface BenchResult {
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  readonly ingest?: IngestResult;
  readonly apply?: ApplyResult;
  readonly end_to_end?: EndToEndResult;
  readonly notify?: NotifyResult;
}

export const thisMachine = (): BenchResult['machine'] => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  node: process.version,
});

type Row = readonly [what: string, ratio: string, against: string];

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

const ingestRows = (result: IngestResult): readonly Row[] => [
  [
    'ingest, durable',
    String(result.ratio_no_kafka),
    `of the same server without Kafka, req/s (${result.req_per_s}/s; rounds differ by ${percent(result.spread)})`,
  ],
  ['', String(result.ratio_no_kafka_cpu), `of it by CPU per request (${result.cpu_us} us)`],
  ['', String(result.ratio_bare), `of bare Fastify, req/s; ${result.ratio_bare_cpu} by CPU`],
  ['', `${result.p50_ms} / ${result.p99_ms} ms`, 'p50 / p99 at half of that load'],
  [
    '',
    `${percent(result.server_busy)}`,
    `of the time the server's loop was busy; the generator took at most ${percent(result.generator_core)} of a core`,
  ],
];

const applyRows = (result: ApplyResult): readonly Row[] => [
  [
    'apply, empty tables',
    String(result.ratio_raw),
    `of a raw insert of the same rows (${result.events_per_s} events/s; rounds differ by ${percent(result.spread)})`,
  ],
  [
    'apply, 1 M rows',
    String(result.ratio_raw_1m),
    `of a raw insert of the same rows (${result.events_per_s_1m} events/s)`,
  ],
  ['', `${result.cpu_us} us`, `CPU of the consumer per event; ${result.batch_events} events per transaction`],
];

const endToEndRows = (result: EndToEndResult): readonly Row[] => [
  [
    'HTTP to Postgres',
    `${result.events_per_s}/s`,
    `${result.ratio_apply === undefined ? '' : `${result.ratio_apply} of apply alone, `}${result.batch_events} events per transaction, at most ${result.backlog} behind`,
  ],
  ['', `${result.lag_p50_ms} / ${result.lag_p99_ms} ms`, 'p50 / p99 from received to applied, at half of that load'],
];

const notifyRows = (result: NotifyResult): readonly Row[] => [
  [
    'notifications',
    String(result.ratio_bullmq),
    `of plain BullMQ that posts the same body (${result.per_s} of ${result.bullmq_per_s}/s; rounds differ by ${percent(result.spread)})`,
  ],
  ['', String(result.ratio_bullmq_no_post), 'of plain BullMQ jobs that do nothing'],
  ['', `${result.per_s_default}/s`, 'with as many deliveries at once as a destination has by default'],
  ['', `${result.cpu_us} us`, `CPU of the notifier per notification; plain BullMQ took ${result.bullmq_cpu_us} us`],
  ['', `${result.latency_p50_ms} / ${result.latency_p99_ms} ms`, 'p50 / p99 from fact to answer, at half of that load'],
];

/** The table that a person reads. */
export const tableOf = ({ machine, ingest, apply, end_to_end: endToEnd, notify }: BenchResult): string => {
  const rows = [
    ...(ingest ? ingestRows(ingest) : []),
    ...(apply ? applyRows(apply) : []),
    ...(endToEnd ? endToEndRows(endToEnd) : []),
    ...(notify ? notifyRows(notify) : []),
  ];
  const width = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
  const lines = rows.map(
    ([what, ratio, against]) => `  ${what.padEnd(width(0))}  ${ratio.padStart(width(1))}  ${against}`,
  );
  return [`Ratios within this run: ${machine.cores} cores, ${machine.cpu}, Node ${machine.node}`, '', ...lines].join(
    '\n',
  );
};
