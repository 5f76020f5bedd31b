import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import promClient from 'prom-client';
import { eventually, openTestKafka } from '#kit';
import { serverFiles, silent, startKafka, stateFolder } from '#local';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { instant } from '#rules';
import { createConsumer } from './consumer.ts';

/** A broker of its own is killed, started again, and frozen. */
jest.setTimeout(180_000);

/** Longer than the wait for the members of before the outage. */
const WATCHDOG_MS = 25_000;
/** For what takes a session time-out and a few restarts of the client. */
const RECOVERY_MS = 40_000;

test('Kafka dies and comes back, then freezes and wakes up: the consumer goes on where the ledger stands, and the process need not restart', async () => {
  const root = mkdtempSync(join(tmpdir(), 'dakia-outage-'));
  const broker = await startKafka({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    ports: [0],
    report: silent,
  });
  const server = broker.nodes[0]?.server;
  if (server === undefined) throw new Error('no broker was started');
  const cluster = await openTestKafka({ KAFKA_BROKERS: broker.addresses.plain });
  await cluster.createTopic('t', 1);
  const sendTen = (from: number) =>
    cluster.send(
      't',
      0,
      Array.from({ length: 10 }, (_, index) => ({ value: String(from + index) })),
    );

  let stands = 0n;
  const lines: string[] = [];
  const logged = (words: string): number => lines.filter((line) => line.includes(words)).length;
  const seen: string[] = [];
  const failures: Error[] = [];
  const consumer = createConsumer({
    config: cluster.config,
    group: 'g',
    topics: ['t'],
    positions: {
      positionOf: async () => ({ kind: 'at', offset: stands }),
      standings: async () => new Map([['t/0', stands]]),
      note: async () => undefined,
    },
    handler: async ({ firstOffset, nextOffset, records }) => {
      if (firstOffset !== stands) return 'moved';
      stands = nextOffset;
      seen.push(...records.map(({ value }) => String(value)));
      return 'applied';
    },
    log: createLogger('test', 'warn', { write: (line) => void lines.push(line) }),
    metrics: new promClient.Registry(),
    fail: (error) => failures.push(error),
    tuning: { watchdogMs: WATCHDOG_MS, failureLogEveryMs: 0 },
  });
  await sendTen(0);
  await consumer.start();
  try {
    await eventually('the first are applied', () => stands === 10n);

    await server.kill();
    await eventually(
      'the client starts again and again',
      () => logged('starts again, and will until Kafka answers') >= 3,
      RECOVERY_MS,
    );
    await server.start();
    await eventually('Kafka takes records again', async () => (await sendTen(10), true), RECOVERY_MS);
    await eventually('they are applied', () => stands >= 20n, RECOVERY_MS);

    server.freeze();
    await eventually('the client waits no longer', () => logged('no answer from') > 0, RECOVERY_MS);
    server.thaw();
    await eventually('Kafka takes records again', async () => (await sendTen(20), true), RECOVERY_MS);
    await eventually('they are applied', () => stands >= 30n, RECOVERY_MS);

    expect(new Set(seen).size).toBe(30);
    expect(BigInt(seen.length)).toBe(stands);
    expect(failures).toEqual([]);
  } finally {
    server.thaw();
    await consumer.stop(instant(now() + 10_000));
    await cluster.close();
    await broker.stop();
    rmSync(root, { recursive: true, force: true });
  }
});
