import { kafkaErrorType } from '../client-log.ts';

/** The group forms anew; the batch in hand may end first. */
const REBALANCING = ['REBALANCE_IN_PROGRESS', 'NOT_COORDINATOR_FOR_GROUP'];
/** The group went on without this member: its partitions are someone else's already. */
const EXPELLED = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'];

/** Heartbeats while a batch is applied; kafkajs itself sends them only between fetches. */
export interface Pulse {
  /** Only the batch in hand may still be applied: kafkajs joins the group again at its own next heartbeat, right after it. */
  readonly leaving: () => boolean;
  readonly stop: () => void;
}

export const startPulse = (
  heartbeat: () => Promise<void>,
  everyMs: number,
  graceMs: number,
  abort: () => void,
): Pulse => {
  let leaving = false;
  let grace: NodeJS.Timeout | undefined;

  const beat = (): void => {
    heartbeat().catch((error: unknown) => {
      const type = kafkaErrorType(error) ?? '';
      // Anything else is the network: kafkajs finds out by itself, and the ledger fences a member that was expelled meanwhile.
      if (leaving || !(REBALANCING.includes(type) || EXPELLED.includes(type))) return;
      leaving = true;
      if (EXPELLED.includes(type)) abort();
      else grace = setTimeout(abort, graceMs);
    });
  };
  const timer = setInterval(beat, everyMs);

  return {
    leaving: () => leaving,
    stop: () => {
      clearInterval(timer);
      clearTimeout(grace);
    },
  };
};
