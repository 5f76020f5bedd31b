import kafkajs from 'kafkajs';
import type { logCreator } from 'kafkajs';
import type { Logger } from '#platform/log';
import { createThrottle } from '#platform/time';

/**
 * The same message of the client is logged at most once in this time,
 * in ms: an unreachable cluster must not fill the log.
 */
const SAME_MESSAGE_INTERVAL_MS = 10_000;

/**
 * kafkajs' log lines as ours. Its errors are warnings here: most are answered by
 * its own retries, and what could not be done is an outcome that the caller counts.
 * Of what comes with a line only the names of places are kept, never content.
 */
export const clientLog =
  (log: Logger): logCreator =>
  () => {
    const throttle = createThrottle(SAME_MESSAGE_INTERVAL_MS);
    return ({ level, namespace, log: { message, broker, groupId } }) => {
      const line = `kafkajs ${namespace}: ${message}`;
      if (throttle.admit(line) === undefined) return;
      if (level <= kafkajs.logLevel.WARN) log.warn({ broker: broker as unknown, groupId: groupId as unknown }, line);
      else log.debug({ broker: broker as unknown, groupId: groupId as unknown }, line);
    };
  };

/** Kafka's own name of an error, such as NOT_ENOUGH_REPLICAS; kafkajs hides it under the errors of its retries. */
export const kafkaErrorType = (error: unknown): string | undefined => {
  for (let here = error, depth = 0; here instanceof Error && depth < CAUSE_DEPTH_MAX; here = here.cause, depth += 1) {
    if ('type' in here && typeof here.type === 'string') return here.type;
  }
  return undefined;
};

const CAUSE_DEPTH_MAX = 5;
