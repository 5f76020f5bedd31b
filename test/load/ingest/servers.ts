import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { asFastAsAnswered, sendLoad } from '../http-load.ts';
import type { LoadReport, Pace } from '../http-load.ts';
import type { OtherTree } from '../other-tree.ts';
import type { Stack } from '../stack.ts';
import { warmUp } from '../warm-up.ts';
import { ingestEnvironment, requestsInTurn } from './requests.ts';

export const variants = ['real', 'no-kafka', 'bare'] as const;
/**
 * `real`: the ingest service. `no-kafka`: the same, but records are taken
 * as durable after 1 ms. `bare`: Fastify reads the body and answers 200.
 */
export type Variant = (typeof variants)[number];
/** `other`: the ingest service of the commit that this one is compared with. */
export type ServerName = Variant | 'other';

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

/** Enough that the server and not the waiting for answers bounds the rate. */
export const FULL_LOAD_CONNECTIONS = 256;
const WARM_UP_STEP_SECONDS = 1;

/**
 * Starts every variant as a process of its own, and the other commit's where there is one, and warms all of them up.
 */
export const startIngestServers = async (stack: Stack, other: OtherTree | undefined): Promise<IngestServers> => {
  const prefix = await stack.createTopics(topics);
  const next = requestsInTurn();
  const servers = new Map<ServerName, { readonly child: Child; readonly port: number }>();
  const serverOf = (name: ServerName): { readonly child: Child; readonly port: number } => {
    const server = servers.get(name);
    if (server === undefined) throw new Error(`no server for ${name}`);
    return server;
  };
  const start = async (name: ServerName, variant: Variant, programs?: string): Promise<void> => {
    const port = await freePort();
    const environment = { ...ingestEnvironment(stack, prefix), DAKIA_WEBHOOK_PORT: String(port) };
    const child = startChild('ingest/server', stack.logs, environment, programs);
    servers.set(name, { child, port });
    await child.ask('start', variant);
  };
  const load: IngestServers['load'] = async (name, { pace = asFastAsAnswered, ...options }) => {
    const report = await sendLoad({ port: serverOf(name).port, next, pace, ...options });
    refuseOthers(report);
    return report;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...servers.values()].map(({ child }) => child.stop()));
  };
  try {
    for (const variant of variants) await start(variant, variant);
    if (other !== undefined) await start('other', 'real', other.programs);
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
