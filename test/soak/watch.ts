import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '#catalogue';
import type { Account } from '#operate';
import type { SeparateSystem } from '../kit/system-processes.ts';

/** What `status` is asked to call a stall, and the time within which it must have called it so. */
const STALLED_AFTER_S = 10;
const REPORTED_WITHIN_MS = 30_000;
/** The question takes a process of its own, and the machine is busy. */
const SLACK_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
const LAST_LOOK_MS = 60_000;

/** Looks at the positions by its own means, beside `status`, and holds `status` to them. */
export interface Watch {
  /** Rejects at the first broken promise. */
  readonly failed: Promise<never>;
  /** Stalls that `status` named. */
  readonly reported: () => number;
  readonly stop: () => Promise<void>;
}

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

  const look = async (): Promise<void> => {
    const seen = await positions(system);
    for (const [place, { next, end }] of seen) {
      const known = waiting.get(place);
      if (next >= end) waiting.delete(place);
      else if (known?.next !== next) waiting.set(place, { next, sinceMs: performance.now(), isReported: false });
    }
  };
  const ask = async (): Promise<void> => {
    const { code, answer } = await system.dakia('status', '--stalled-after', String(STALLED_AFTER_S));
    // A server that does not answer is a report, too: of everything.
    const account = answer as Account | undefined;
    if (account !== undefined && account.difference !== 0)
      throw new Error(`status does not add up: ${account.difference} events are not accounted for`);
    const named = new Set(account?.partitions.filter(isNamed).map(({ topic, partition }) => `${topic}/${partition}`));
    for (const [place, one] of waiting) {
      if (one.isReported || (account !== undefined && !named.has(place))) continue;
      one.isReported = true;
      if (account === undefined) continue;
      reported += 1;
      note(`status (exit code ${code}) says that ${place} does not move`);
    }
  };
  const judge = (): void => {
    const late = [...waiting].find(
      ([, { isReported, sinceMs }]) => !isReported && performance.now() - sinceMs > REPORTED_WITHIN_MS + SLACK_MS,
    );
    if (late !== undefined) throw new Error(`${late[0]} stands still at ${late[1].next}, and status does not say so`);
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // What the watch itself cannot see does not count as standing still.
      const sees = await look().then(
        () => true,
        () => false,
      );
      if (!sees) waiting.clear();
      try {
        await ask();
        judge();
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
    stop: async () => {
      stopping.abort();
      await Promise.race([running, sleep(LAST_LOOK_MS, undefined, { ref: false })]);
    },
  };
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
