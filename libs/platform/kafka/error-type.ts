/** Kafka's own name of an error, such as NOT_ENOUGH_REPLICAS; kafkajs hides it under the errors of its retries. */
export const kafkaErrorType = (error: unknown): string | undefined => {
  for (let here = error, depth = 0; here instanceof Error && depth < CAUSE_DEPTH_MAX; here = here.cause, depth += 1) {
    if ('type' in here && typeof here.type === 'string') return here.type;
  }
  return undefined;
};

const CAUSE_DEPTH_MAX = 5;
