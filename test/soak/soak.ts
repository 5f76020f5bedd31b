import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ROOT } from '#kit';
import { startServers } from '#local';
import type { SimulationSettings } from '#simulator';
import { randomOf, shuffled } from '../../simulator/random.ts';
import { startSeparateSystem } from '../kit/system-processes.ts';
import type { SeparateSystem } from '../kit/system-processes.ts';
import { dataFaults, quietFaults } from './data-faults.ts';
import { demandExact } from './exact.ts';
import { createOperatorActs } from './operator-faults.ts';
import { processFaults } from './process-faults.ts';
import { serverFaults } from './server-faults.ts';
import { createTimeline } from './timeline.ts';
import { startWatch } from './watch.ts';
import { serverOf } from './fixture.ts';
import type { Fault, Fixture } from './fixture.ts';

/** Events of one load and first deliveries per second: it lasts as long as some faults, and is judged after that. */
const EVENTS = 750;
const PER_SECOND = 25;
const AGAIN = 0.2;
/** Every so many loads, the first among them, something happens that must not while one is under way. */
const QUIET_EVERY = 3;
const PAUSE_MS = { min: 500, max: 3_000 } as const;
/** Longer than every fault: what has failed ends one that is under way. */
const MENDED_WITHIN_MS = 120_000;
/** So many attempts, each after 2 s, that no event is given up but by an operator. */
const RETRY_DELAYS = Array(50).fill('2s').join(',');

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: string;
  readonly write: (line: string) => void;
}

export interface SoakReport {
  readonly events: number;
  readonly seconds: number;
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** Stalls that `status` named while they lasted. */
  readonly stallsReported: number;
  /** Longest time in ms that `status` took to answer. */
  readonly slowestStatusMs: number;
}

/** Faults in an order that depends on the seed alone; each comes once before one comes again. */
const deckOf = (faults: readonly Fault[], seed: string) => {
  let dealt = 0;
  let deck: readonly Fault[] = [];
  return (): { readonly fault: Fault; readonly random: Fixture['random'] } => {
    const place = dealt % faults.length;
    if (place === 0) deck = shuffled(faults, randomOf(`${seed} deck ${dealt}`));
    const random = randomOf(`${seed} fault ${dealt}`);
    dealt += 1;
    return { fault: deck[place] as Fault, random };
  };
};

/**
 * Runs Dakia on servers of its own under load and faults; rejects
 * with seed and timeline at the first promise that is broken.
 */
export const soak = async ({ minutes, seed, write }: SoakOptions): Promise<SoakReport> => {
  const timeline = createTimeline(write);
  timeline.note(`seed ${seed}, ${minutes} minutes`);
  const registry = process.env['SCHEMA_REGISTRY_URL'];
  const servers = await startServers({
    dataDir: join(ROOT, '.dakia', 'soak', randomBytes(4).toString('hex')),
    ports: 'free',
    environment: registry === undefined ? {} : { SCHEMA_REGISTRY_URL: registry },
    temporary: true,
  });
  let system: SeparateSystem | undefined;
  try {
    system = await startSeparateSystem(servers.addresses, {
      DAKIA_RETRY_DELAYS: RETRY_DELAYS,
      NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'clock.ts')).href}`,
    });
    return await rounds({ system, server: serverOf(servers), note: timeline.note }, minutes, seed);
  } catch (error) {
    const log = system === undefined ? '' : `\nThe services logged\n${system.log.tail()}`;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`the soak with --seed ${seed} failed: ${what}\nTimeline\n${timeline.text()}${log}`, {
      cause: error,
    });
  } finally {
    await system?.close().catch((error: unknown) => timeline.note(`not stopped cleanly: ${String(error)}`));
    await servers.stop();
  }
};

type Scene = Omit<Fixture, 'random'>;

const rounds = async (scene: Scene, minutes: number, seed: string): Promise<SoakReport> => {
  const { system, note } = scene;
  const began = performance.now();
  let hasFailed = false;
  const isOver = (): boolean => hasFailed || performance.now() - began > minutes * 60_000;
  const acts = createOperatorActs(seed);
  const deal = deckOf([...processFaults, ...serverFaults, ...dataFaults, ...acts.faults], seed);
  const dealQuiet = deckOf(quietFaults, `${seed} quiet`);
  const counts: Record<string, number> = {};
  const runs: SimulationSettings[] = [];
  let underWay: Promise<void> = Promise.resolve();
  const happen = async (dealt: ReturnType<typeof deal>): Promise<void> => {
    counts[dealt.fault.name] = (counts[dealt.fault.name] ?? 0) + 1;
    const happening = dealt.fault.happen({ ...scene, random: dealt.random });
    underWay = happening.catch(() => undefined);
    await happening;
  };
  const watch = startWatch(system, note);
  const round = async (number: number): Promise<void> => {
    const load = system.load({
      ...{ seed: `${seed}-${number}`, count: EVENTS, rate: PER_SECOND },
      ...{ duplicates: AGAIN, shuffle: true, retry: true },
    });
    let isSent = false;
    const sent = load.done.then((report) => {
      isSent = true;
      return report;
    });
    const harm = async (): Promise<void> => {
      const pauses = randomOf(`${seed} pauses ${number}`);
      while (!isSent && !isOver()) {
        await sleep(pauses.whole(PAUSE_MS.min, PAUSE_MS.max));
        await happen(deal());
      }
    };
    const [report] = await Promise.all([sent, harm()]);
    if (report.unexpected > 0) throw new Error(`${report.unexpected} deliveries were not answered 200 in the end`);
    runs.push(load.run);
    note(`round ${number}: ${report.sent} requests, ${report.retried} of them retries`);
    await demandExact(system, { runs, discarded: acts.discarded() });
    note(`round ${number}: kept exactly once, adds up, equal`);
  };
  const all = async (): Promise<void> => {
    for (let number = 1; !isOver(); number += 1) {
      await round(number);
      if (!isOver() && number % QUIET_EVERY === 1) await happen(dealQuiet());
    }
    await demandExact(system, { runs, discarded: acts.discarded() });
  };
  try {
    await Promise.race([all(), watch.failed]);
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    await watch.stop();
    // A fault mends what it broke before the servers are cleaned up, and starts nothing after that.
    await Promise.race([underWay, sleep(MENDED_WITHIN_MS, undefined, { ref: false })]);
  }
  return {
    events: runs.reduce((sum, { count }) => sum + count, acts.discarded()),
    seconds: Math.round((performance.now() - began) / 1000),
    faults: counts,
    stallsReported: watch.reported(),
    slowestStatusMs: watch.slowestMs(),
  };
};
