import type { Admin } from 'kafkajs';
import { pino } from 'pino';
import { createKafka } from './client.ts';
import type { KafkaClient, KafkaConfig } from './client.ts';

/** Longest time for the answer, in ms. Nothing is tried again: the next look is near. */
const ANSWER_WITHIN_MS = 2_000;
const RETRY = { retries: 0, initialRetryTime: 100, maxRetryTime: 100 } as const;

/** Asks Kafka for its brokers, over a client of its own. `ping` rejects with the reason. */
export const createKafkaPing = (
  config: KafkaConfig,
): { readonly ping: () => Promise<void>; readonly close: () => void } => {
  let asking: { readonly client: KafkaClient; readonly admin: Admin } | undefined;
  const close = (): void => {
    const old = asking;
    asking = undefined;
    old?.client.sockets.killAll();
    old?.admin.disconnect().catch(() => undefined);
  };
  const open = async (): Promise<Admin> => {
    // Whoever watches says what came of it; what kafkajs says is no news.
    const client = createKafka(config, pino({ level: 'silent' }), {
      clientId: 'dakia-health',
      requestTimeoutMs: ANSWER_WITHIN_MS,
      retry: RETRY,
    });
    const admin = client.kafka.admin();
    asking = { client, admin };
    await admin.connect();
    return admin;
  };
  return {
    ping: async () => {
      try {
        await (asking?.admin ?? (await open())).describeCluster();
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
};
