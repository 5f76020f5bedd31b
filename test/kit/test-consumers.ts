import promClient from 'prom-client';
import { encodeEnvelope } from '#envelope';
import { createConsumer } from '#kafka';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import type { Component } from '#platform/service';
import { entityId, eventId, instant } from '#rules';
import type { ConsumerOptions } from '../../libs/kafka/consumer/consumer.ts';
import { openTestKafka } from './kafka.ts';
import type { TestKafka } from './kafka.ts';
import type { MemoryLedger } from './memory-ledger.ts';

const STOP_MS = 10_000;

const message = (id: string) => {
  const { key, value, headers } = encodeEnvelope(
    {
      kind: 'event',
      event: 'payment.captured',
      family: 'payments',
      eventId: eventId(id),
      key: entityId('pay_1'),
      endpoint: 'default',
      accountId: null,
      occurredAt: null,
      receivedAt: instant(1_700_000_000_000),
      traceparent: null,
      rawBody: Buffer.from('{}'),
    },
    0,
  );
  return { key, value, headers: { ...headers } };
};
/** Ids of the records that `send` writes. */
export const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `evt_${from + index}`);

export interface RunningConsumer {
  readonly consumer: Component;
  readonly lines: readonly { readonly level: string; readonly msg: string }[];
  readonly metrics: promClient.Registry;
  readonly failures: readonly Error[];
}

/** Consumers of one fixture of the test cluster, over a ledger in memory. */
const openTestConsumers = async () => {
  const cluster: TestKafka = await openTestKafka();
  const running: Component[] = [];
  const forget = (consumer: Component): void => void running.splice(running.indexOf(consumer), 1);
  return {
    cluster,
    message,
    /** Starts one that reads `topic` as the group of that name. */
    consume: async (
      topic: string,
      ledger: MemoryLedger,
      over: Partial<ConsumerOptions> = {},
    ): Promise<RunningConsumer> => {
      const lines: { level: string; msg: string }[] = [];
      const metrics = new promClient.Registry();
      const failures: Error[] = [];
      const consumer = createConsumer({
        config: cluster.config,
        group: topic,
        topics: [topic],
        handler: async (batch) => ledger.commit(batch, 'only'),
        positions: ledger.positions,
        log: createLogger('test', 'debug', {
          write: (line) => void lines.push(JSON.parse(line) as { level: string; msg: string }),
        }),
        metrics,
        fail: (error) => failures.push(error),
        ...over,
        tuning: { retryMaxMs: 400, haltRecheckMs: 200, commitEveryMs: 100, lagPollMs: 200, ...over.tuning },
      });
      await consumer.start();
      running.push(consumer);
      return { consumer, lines, metrics, failures };
    },
    /** From now on the test stops it itself. */
    forget,
    stop: async (consumer: Component): Promise<void> => {
      forget(consumer);
      await consumer.stop(instant(now() + STOP_MS));
    },
    stopAll: async (): Promise<void> => {
      for (const consumer of running.splice(0)) await consumer.stop(instant(now() + STOP_MS));
    },
    send: (topic: string, from: number, to: number, partition = 0) =>
      cluster.send(topic, partition, ids(from, to).map(message)),
  };
};
type TestConsumers = Awaited<ReturnType<typeof openTestConsumers>>;

/**
 * Opens them for the tests of a file, stops what a test started after
 * it, and closes them at the end. Use them within tests only.
 */
export const useTestConsumers = () => {
  let opened: TestConsumers;
  beforeAll(async () => void (opened = await openTestConsumers()));
  afterEach(() => opened.stopAll());
  afterAll(() => opened.cluster.close());
  return {
    get cluster() {
      return opened.cluster;
    },
    consume: (...given: Parameters<TestConsumers['consume']>) => opened.consume(...given),
    send: (...given: Parameters<TestConsumers['send']>) => opened.send(...given),
    stop: (...given: Parameters<TestConsumers['stop']>) => opened.stop(...given),
    forget: (consumer: Component): void => opened.forget(consumer),
    message,
  };
};
