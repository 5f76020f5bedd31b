import promClient from 'prom-client';
import { createMemoryLedger, eventually, openTestKafka } from '#kit';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { instant } from '#rules';
import type { KafkaConfig } from '../client.ts';
import { createConsumer } from './consumer.ts';
import type { KafkaConsumer } from './consumer.ts';
import { startedWhenPossible } from './started-when-possible.ts';

jest.setTimeout(60_000);

const STOP_MS = 10_000;
const open = (config: KafkaConfig, topic: string) => {
  const lines: string[] = [];
  const failures: Error[] = [];
  let handled = 0;
  const log = createLogger('test', 'warn', { write: (line) => void lines.push(line) });
  const ledger = createMemoryLedger();
  const consumer = startedWhenPossible(
    createConsumer({
      config,
      group: topic,
      topics: [topic],
      positions: ledger.positions,
      handler: async ({ records }) => {
        handled += records.length;
        return 'applied';
      },
      log,
      metrics: new promClient.Registry(),
      fail: (error) => failures.push(error),
    }),
    log,
  );
  return { consumer, lines, failures, handled: () => handled };
};
const stop = async (consumer: KafkaConsumer): Promise<number> => {
  const began = now();
  await consumer.stop(instant(began + STOP_MS));
  return now() - began;
};

test('a topic that is missing at the start is waited for, and said to be missing until it is there', async () => {
  const cluster = await openTestKafka();
  const { consumer, lines, failures, handled } = open(cluster.config, 'late');
  await consumer.start();
  try {
    expect(consumer.unready()).toMatch(/has no topic .*late; create it with npx dakia topics apply$/);
    await cluster.createTopic('late', 1);
    await cluster.send('late', 0, [{ value: '1' }]);
    await eventually('it reads', () => handled() === 1);
    await eventually('it is ready', () => consumer.unready() === undefined);
    expect(lines.filter((line) => line.includes('it tries again until it can'))).toHaveLength(1);
    expect(failures).toEqual([]);
  } finally {
    await stop(consumer);
    await cluster.close();
  }
});

test('Kafka that is away at the start ends nothing: the reason names its address, and a stop does not wait for it', async () => {
  const cluster = await openTestKafka();
  const { consumer, failures } = open({ ...cluster.config, kafkaBrokers: ['127.0.0.1:1'] }, 'away');
  await consumer.start();
  expect(consumer.unready()).toContain('cannot start with Kafka at 127.0.0.1:1');
  expect(await stop(consumer)).toBeLessThan(STOP_MS / 2);
  expect(failures).toEqual([]);
  await cluster.close();
});
