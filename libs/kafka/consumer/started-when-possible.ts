import type { Logger } from '#platform/log';
import { createPeriodic } from '#platform/time';
import type { KafkaConsumer } from './consumer.ts';

/** Until it has started it is tried sooner, by the waits of `createPeriodic`; later there is nothing to do. */
const LOOK_EVERY_MS = 60_000;

/**
 * A consumer whose start waits for Kafka and for its topics, while the process is up and says why it is not ready. A
 * process that ended instead would be started again after longer and longer pauses, with its message in a log that is
 * gone.
 */
export const startedWhenPossible = (consumer: KafkaConsumer, log: Logger): KafkaConsumer => {
  let reason: string | undefined = `the ${consumer.name} has not started yet`;
  const attempt = async (): Promise<void> => {
    if (reason === undefined) return;
    try {
      await consumer.start();
      reason = undefined;
    } catch (error) {
      reason = (error as Error).message;
      throw error;
    }
  };
  const attempts = createPeriodic({
    name: `start of the ${consumer.name}`,
    everyMs: LOOK_EVERY_MS,
    work: attempt,
    log,
  });
  return {
    name: consumer.name,
    unready: () => reason ?? consumer.unready(),
    start: async () => {
      await attempt().catch(attempts.start);
    },
    stop: async (deadline) => {
      try {
        // What is under way ends by itself within seconds; kafkajs hears nothing of a socket that is closed under it.
        await attempts.stop(deadline);
      } finally {
        await consumer.stop(deadline);
      }
    },
  };
};
