import type { Consumer } from 'kafkajs';
import type { Logger } from '#platform/log';

/** Writes to Kafka where the partitions stand: for lag tools only, the ledger is the truth. */
export interface Committer {
  readonly mark: (topic: string, partition: number, offset: bigint) => void;
  /** Sends what was marked. Never rejects: what could not be committed is sent with the next. */
  readonly flush: () => Promise<void>;
  /** Forgets what was marked: the partitions belong to someone else now. */
  readonly forget: () => void;
}

interface Mark {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export const createCommitter = (consumer: Consumer, log: Logger): Committer => {
  let marks = new Map<string, Mark>();
  let sending: Promise<void> | undefined;

  const send = async (): Promise<void> => {
    const taken = marks;
    marks = new Map();
    try {
      await consumer.commitOffsets([...taken.values()]);
    } catch (error) {
      for (const [key, mark] of taken) if (!marks.has(key)) marks.set(key, mark);
      log.debug({ err: error }, 'offsets were not committed; they are sent again');
    }
  };

  return {
    mark: (topic, partition, offset) =>
      void marks.set(`${topic}/${partition}`, { topic, partition, offset: String(offset) }),
    flush: async () => {
      await sending;
      if (marks.size === 0) return;
      sending = send();
      await sending;
    },
    forget: () => (marks = new Map()),
  };
};
