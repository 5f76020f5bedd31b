import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { asFastAsAnswered, sendLoad } from '../http-load.ts';
import type { LoadReport, Pace } from '../http-load.ts';
import type { OtherTree } from '../other-tree.ts';
import { eventsOf, requestOf } from '../requests.ts';
import type { Stack } from '../stack.ts';
import { warmUp } from '../warm-up.ts';
import { PAIRS, startCollector, UNTRACED_PORT } from './collector.ts';
import type { PairName } from './collector.ts';

export const variants = ['real', 'no-kafka', 'bare'] as const;
/**
 * `real`: the ingest service. `no-kafka`: the same, but records are taken
 * as durable after 1 ms. `bare`: Fastify reads the body and answers 200.
 */
export type Variant = (typeof variants)[number];
/**
 * `other`: the ingest service of the commit that this one is compared with. `traced-…`: with traces of so many in a
 * hundred; `… beside`: without, in the same process.
 */
export type ServerName = Variant | 'other' | PairName | `${PairName} beside`;

export interface LoadOf {
  readonly connections: number;
  readonly seconds: number;
  readonly pace?: Pace;
  /** Called when `seconds` are over, before the last answers are waited for. */
  readonly onEnd?: () => void;
}

export interface IngestServers {
  readonly child: (name: ServerName) => Child;
  /**
   * Loads one of them; throws when something was answered other than
   * 200, since refusals are cheap and would be measured instead.
   */
  readonly load: (name: ServerName, options: LoadOf) => Promise<LoadReport>;
  readonly stop: () => Promise<void>;
}

const SECRET = 'bench-secret-of-no-endpoint';
/** Bodies sent in turn: more than fit into any cache of the server. */
const BODIES = 10_000;
/** Enough that the server and not the waiting for answers bounds the rate. */
export const FULL_LOAD_CONNECTIONS = 256;
const WARM_UP_STEP_SECONDS = 1;

/**
 * Starts every variant as a process of its own, and the other commit's where there is one, and warms all of them up.
 */
export const startIngestServers = async (stack: Stack, other: OtherTree | undefined): Promise<IngestServers> => {
  const prefix = await stack.createTopics(topics);
  const requests = eventsOf('ingest', BODIES).map((event) => requestOf(event, SECRET));
  const servers = new Map<ServerName, { readonly child: Child; readonly port: number }>();
  const collector = await startCollector();
  let number = 0;
  const next = (): Buffer | undefined => requests[number++ % requests.length];
  const serverOf = (name: ServerName): { readonly child: Child; readonly port: number } => {
    const server = servers.get(name);
    if (server === undefined) throw new Error(`no server for ${name}`);
    return server;
  };
  const start = async (
    name: ServerName,
    variant: Variant | 'paired',
    {
      programs,
      settings = {},
    }: { readonly programs?: string; readonly settings?: Readonly<Record<string, string>> } = {},
  ): Promise<void> => {
    const port = await freePort();
    const environment = {
      ...stack.environment,
      DAKIA_TOPIC_PREFIX: prefix,
      DAKIA_WEBHOOK_HOST: '127.0.0.1',
      DAKIA_WEBHOOK_PORT: String(port),
      DAKIA_DRAIN_DELAY_MS: '0',
      RAZORPAY_WEBHOOK_SECRETS: SECRET,
      ...settings,
    };
    const child = startChild('ingest/server', stack.logs, environment, programs);
    servers.set(name, { child, port });
    await child.ask('start', variant);
  };
  const startPair = async (name: PairName): Promise<void> => {
    const untracedPort = await freePort();
    const DAKIA_TRACE_RATIO = PAIRS[name];
    await start(name, 'paired', {
      settings: {
        [UNTRACED_PORT]: String(untracedPort),
        ...(DAKIA_TRACE_RATIO !== undefined && { DAKIA_TRACE_RATIO, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }),
      },
    });
    servers.set(`${name} beside`, { child: serverOf(name).child, port: untracedPort });
  };
  const load: IngestServers['load'] = async (name, { pace = asFastAsAnswered, ...options }) => {
    const report = await sendLoad({ port: serverOf(name).port, next, pace, ...options });
    refuseOthers(report);
    return report;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...new Set([...servers.values()].map(({ child }) => child))].map((child) => child.stop()));
    await collector.stop();
  };
  try {
    for (const variant of variants) await start(variant, variant);
    for (const name of Object.keys(PAIRS) as PairName[]) await startPair(name);
    if (other !== undefined) await start('other', 'real', { programs: other.programs });
    for (const name of servers.keys())
      await warmUp(async () => {
        const report = await load(name, { connections: FULL_LOAD_CONNECTIONS, seconds: WARM_UP_STEP_SECONDS });
        return report.answeredInTime / report.seconds;
      });
  } catch (error) {
    await stop();
    throw error;
  }
  return { child: (name) => serverOf(name).child, load, stop };
};

const refuseOthers = ({ others }: LoadReport): void => {
  const names = Object.entries(others).map(([status, count]) => `${count} answers ${status}`);
  if (names.length > 0)
    throw new Error(`ingest answered other than 200: ${names.join(', ')}; the machine is too busy to measure`);
};
