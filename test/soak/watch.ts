import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '#catalogue';
import type { Account } from '#operate';
import type { SeparateSystem } from '../kit/system-processes.ts';

/** What `status` is asked to call a stall, and after which time it must call one so, whenever it is asked. */
const STALLED_AFTER_S = 10;
const REPORTED_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 1_000;
const LAST_LOOK_MS = 60_000;
/** Exit code of a command that could not be carried out. */
const REFUSED = 1;

/** Looks at the positions by its own means, beside `status`, and holds `status` to them. */
export interface Watch {
  /** Rejects at the first broken promise. */
  readonly failed: Promise<never>;
  /** Stalls that `status` named. */
  readonly reported: () => number;
  /** Longest time in ms that `status` took to answer: says how busy the machine was. */
  readonly slowestMs: () => number;
  readonly stop: () => Promise<void>;
}

/** A partition that has records which are not applied, and has not moved since. */
interface Waiting {
  readonly next: bigint;
  readonly sinceMs: number;
  isReported: boolean;
}

export const startWatch = (system: SeparateSystem, note: (text: string) => void): Watch => {
  const waiting = new Map<string, Waiting>();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  const stopping = new AbortController();
  let reported = 0;
  let slowestMs = 0;

  const look = async (): Promise<void> => {
    try {
      for (const [place, { next, end }] of await positions(system)) {
        const known = waiting.get(place);
        if (next >= end) waiting.delete(place);
        else if (known?.next !== next) waiting.set(place, { next, sinceMs: performance.now(), isReported: false });
      }
    } catch {
      // What the watch itself cannot see does not count as standing still.
      waiting.clear();
    }
  };
  /**
   * What `status` says stands still; undefined when it says that it cannot be asked, which is a report of everything.
   */
  const ask = async (): Promise<ReadonlySet<string> | undefined> => {
    const began = performance.now();
    const { code, answer } = await system.dakia('status', '--stalled-after', String(STALLED_AFTER_S));
    slowestMs = Math.max(slowestMs, performance.now() - began);
    const account = accountOf(answer);
    if (account === undefined) {
      if (isRefusal(code, answer)) return undefined;
      throw new Error(`status ended with ${code}, and neither adds up nor says why not: ${JSON.stringify(answer)}`);
    }
    if (account.difference !== 0)
      throw new Error(`status does not add up: ${account.difference} events are not accounted for`);
    return new Set(account.partitions.filter(isNamed).map(({ topic, partition }) => `${topic}/${partition}`));
  };
  const turn = async (): Promise<void> => {
    await look();
    const askedMs = performance.now();
    const before = new Map(waiting);
    const named = await ask();
    await look();
    // The machine may be busy: what counts is how long it had stood
    // still when the question was put, and that it still does.
    for (const [place, one] of waiting) {
      if (named === undefined || before.get(place) !== one) continue;
      if (!named.has(place) && askedMs - one.sinceMs > REPORTED_AFTER_MS)
        throw new Error(`${place} stands still at ${one.next}, and status does not say so`);
      if (!named.has(place) || one.isReported) continue;
      one.isReported = true;
      reported += 1;
      note(`status says that ${place} does not move`);
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        failure.reject(error);
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  };
  const running = run();
  return {
    failed: failure.promise,
    reported: () => reported,
    slowestMs: () => Math.round(slowestMs),
    stop: async () => {
      stopping.abort();
      await Promise.race([running, sleep(LAST_LOOK_MS, undefined, { ref: false })]);
    },
  };
};

/** What `status --json` says: an account, or the reason why there is none. */
type Said = Account | { readonly ok: false; readonly error: string } | undefined;

const accountOf = (answer: unknown): Account | undefined => {
  const said = answer as Said;
  return said !== undefined && 'partitions' in said ? said : undefined;
};
const isRefusal = (code: number, answer: unknown): boolean => {
  const said = answer as Said;
  return code === REFUSED && said !== undefined && 'error' in said && said.error !== '';
};

const isNamed = ({ problem, stalledSeconds, lastError }: Account['partitions'][number]): boolean =>
  problem !== null || stalledSeconds !== null || lastError !== null;

/** By `topic/partition`: where the ledger stands, and where the log ends. */
const positions = async (
  system: SeparateSystem,
): Promise<ReadonlyMap<string, { readonly next: bigint; readonly end: bigint }>> => {
  const rows = await system.rows<{ topic: string; partition: number; next: string }>(
    'SELECT topic, partition, next_offset::text AS next FROM partition_ledger',
  );
  const next = new Map(rows.map((row) => [`${row.topic}/${row.partition}`, BigInt(row.next)]));
  return system.withAdmin(async (admin) => {
    const logs = await Promise.all(
      topics.map(async (topic) =>
        (await admin.fetchTopicOffsets(`${system.prefix}${topic}`)).map(({ partition, high, low }) => ({
          place: `${topic}/${partition}`,
          low,
          high,
        })),
      ),
    );
    return new Map(
      logs.flat().map(({ place, low, high }) => [place, { next: next.get(place) ?? BigInt(low), end: BigInt(high) }]),
    );
  });
};
