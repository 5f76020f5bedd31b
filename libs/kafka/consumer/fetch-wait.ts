import { assertKnownKafkajs, kafkajsInternal } from '../kafkajs-patch.ts';

/**
 * While a partition is paused a fetch waits at most so long for records, in ms: what is resumed, or read from
 * elsewhere, goes along with the next fetch only.
 */
const PAUSED_WAIT_MS = 250;

type Batches = readonly unknown[];

/** The part of kafkajs' member of a group (src/consumer/consumerGroup.js) that the patch touches. */
interface ConsumerGroup {
  readonly memberId: string;
  /** Longest time for which a fetch waits where there is nothing to read, in ms. Set once, read with each fetch. */
  maxWaitTime: number;
  readonly subscriptionState: { readonly paused: () => readonly unknown[] };
  fetch(nodeId: number): Promise<Batches>;
}

/** Fetches under way, and how to go on without their answers. */
const underWay = new Map<() => void, ConsumerGroup>();
let replacement: ConsumerGroup['fetch'] | undefined;

/**
 * Lets a fetch wait long where nothing comes. It has a connection of its own and ends with the first record, so a long
 * wait delays no record; it delays what kafkajs does between two fetches only: reading on after a pause, heartbeats,
 * and the stop. The first is why the wait is short while a partition is paused; a stop does not wait for it at all
 * (`leaveFetches`). Applying the patch again changes nothing.
 */
export const patchFetchWait = (): void => {
  assertKnownKafkajs();
  const { prototype } = kafkajsInternal('src/consumer/consumerGroup.js') as { readonly prototype: ConsumerGroup };
  if (prototype.fetch === replacement) return;
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const stock = prototype.fetch;
  const longest = new WeakMap<ConsumerGroup, number>();
  Object.defineProperty(prototype, 'maxWaitTime', {
    set(this: ConsumerGroup, ms: number) {
      longest.set(this, ms);
    },
    get(this: ConsumerGroup): number {
      const ms = longest.get(this) ?? PAUSED_WAIT_MS;
      return this.subscriptionState.paused().length === 0 ? ms : Math.min(ms, PAUSED_WAIT_MS);
    },
  });
  replacement = async function fetch(this: ConsumerGroup, nodeId: number): Promise<Batches> {
    const left = Promise.withResolvers<Batches>();
    const leave = (): void => left.resolve([]);
    underWay.set(leave, this);
    try {
      return await Promise.race([stock.call(this, nodeId), left.promise]);
    } finally {
      underWay.delete(leave);
    }
  };
  prototype.fetch = replacement;
};

/** What this member's fetches bring is not waited for any more: it is about to leave its group. */
export const leaveFetches = (memberId: string): void => {
  for (const [leave, group] of underWay) if (group.memberId === memberId) leave();
};
