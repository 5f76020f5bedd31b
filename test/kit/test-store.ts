import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import { applyBatches, createPositions, createStoreMetrics, DEFAULT_RETRY_DELAYS_MS, reportParkedKeys } from '#apply';
import type { ApplyOptions } from '#apply';
import { accountIdOf, eventSpec, occurredAtOf } from '#catalogue';
import type { EventName } from '#catalogue';
import type { Envelope } from '#envelope';
import type { Aggregate } from '#families';
import type { BatchHandler, BatchOutcome, ReceivedRecord } from '#kafka';
import { createLogger } from '#platform/log';
import { adHoc, createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { entityId, eventId, instant, parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { createTestDatabase } from './databases.ts';

/** A cluster id as a test calls it. */
export const TEST_CLUSTER = 'cluster-of-the-test';
/** "Now" of the tests' consumers. */
export const TEST_NOW = instant(Date.UTC(2026, 10, 24, 12));
/** A body's created_at on that day, in epoch seconds. */
export const TODAY_S = Date.UTC(2026, 10, 24, 10) / 1000;

export interface TestStore {
  readonly url: string;
  /** With the rights of the tables' owner. */
  readonly database: Database;
  readonly rows: <Row>(sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  /** A consumer's view of one partition: what it hands over and in which order. */
  readonly partition: (topic: string, partition?: number, startOffset?: bigint) => Promise<TestPartition>;
  /** The same for another process of the service. */
  readonly elsewhere: TestStore['partition'];
  readonly metrics: Registry;
  /** Lines of the log, as JSON. */
  readonly logged: readonly string[];
  readonly close: () => Promise<void>;
}

export interface TestPartition {
  /** Hands over the next records; the partition moves on when they were applied. */
  readonly send: (...envelopes: readonly Parsed<Envelope>[]) => Promise<BatchOutcome>;
  /** Hands over records as if the partition stood at `offset`, without moving it. */
  readonly sendAt: (offset: bigint, ...envelopes: readonly Parsed<Envelope>[]) => Promise<BatchOutcome>;
  readonly next: () => bigint;
}

/** A migrated database of its own, and consumers that apply `aggregates` into it. */
export const openTestStore = async (
  group: string,
  aggregates: readonly Aggregate[],
  options: { readonly poolSize?: number; readonly role?: string } & Partial<
    Pick<ApplyOptions, 'policy' | 'onCommitted' | 'bounds' | 'searchKey'>
  > = {},
): Promise<TestStore> => {
  const testDatabase = await createTestDatabase();
  const { url } = testDatabase;
  const logged: string[] = [];
  const log = createLogger('test', 'debug', { write: (line) => void logged.push(line) });
  const metrics = new promClient.Registry();
  const open = (role?: string): Database =>
    createDatabase({
      url,
      poolSize: options.poolSize ?? 4,
      applicationName: 'dakia-test',
      log,
      ...(role === undefined ? {} : { role }),
    });
  const database = open();
  const consumers = options.role === undefined ? database : open(options.role);
  const storeMetrics = createStoreMetrics(metrics);
  reportParkedKeys(database, aggregates, metrics);
  const handlerOf = (): BatchHandler =>
    applyBatches({
      group,
      aggregates,
      database: consumers,
      connections: options.poolSize ?? 4,
      clock: () => TEST_NOW,
      log,
      metrics: storeMetrics,
      policy: { delaysMs: DEFAULT_RETRY_DELAYS_MS },
      ...options,
    });
  const partitionsOf =
    (handler: BatchHandler): TestStore['partition'] =>
    async (topic, partition = 0, startOffset = 0n) => {
      await createPositions(consumers, group).positionOf(topic, partition, {
        clusterId: TEST_CLUSTER,
        startOffset,
        endOffset: 1_000_000n,
      });
      return testPartition(handler, topic, partition, startOffset);
    };
  return {
    url,
    database,
    rows: async (sql, values = []) => database.query(adHoc(sql), values),
    partition: partitionsOf(handlerOf()),
    elsewhere: partitionsOf(handlerOf()),
    metrics,
    logged,
    close: async () => {
      await Promise.all([...new Set([database, consumers])].map(async (pool) => pool.close()));
      await testDatabase.drop();
    },
  };
};

const testPartition = (handler: BatchHandler, topic: string, partition: number, startOffset: bigint): TestPartition => {
  let next = startOffset;
  const sendAt: TestPartition['sendAt'] = async (offset, ...envelopes) => {
    const records = envelopes.map(
      (envelope, index): ReceivedRecord => ({
        offset: offset + BigInt(index),
        key: null,
        value: Buffer.from('raw record'),
        envelope,
      }),
    );
    return handler(
      { topic, partition, firstOffset: offset, nextOffset: offset + BigInt(records.length), records },
      new AbortController().signal,
    );
  };
  return {
    sendAt,
    send: async (...envelopes) => {
      const outcome = await sendAt(next, ...envelopes);
      if (outcome === 'applied') next += BigInt(envelopes.length);
      return outcome;
    },
    next: () => next,
  };
};

/**
 * An event as it comes out of Kafka. `subject` is what the entity
 * holds besides its id; `at` null leaves the body's time out.
 */
export const testEvent = (
  event: EventName,
  id: string,
  key: string,
  subject: Readonly<Record<string, unknown>> = {},
  at: number | null = TODAY_S,
): Parsed<Envelope> => {
  const spec = eventSpec(event);
  const entity = { [spec.keyField]: key, ...subject };
  return testBody(
    event,
    id,
    key,
    JSON.stringify({
      entity: 'event',
      event,
      payload: { [spec.subject]: { entity } },
      // Two events are two bodies: a body that is known is a copy, whatever its id.
      test_event: id,
      ...(at === null ? {} : { created_at: at }),
    }),
  );
};

/** The same with a body given as text. */
export const testBody = (event: EventName, id: string, key: string, text: string): Parsed<Envelope> => {
  const body: unknown = JSON.parse(text);
  return parsed({
    kind: 'event',
    event,
    family: eventSpec(event).family,
    key: entityId(key),
    eventId: eventId(id),
    endpoint: 'default',
    accountId: accountIdOf(body),
    occurredAt: occurredAtOf(body),
    receivedAt: TEST_NOW,
    traceparent: null,
    rawBody: Buffer.from(text),
  });
};

export const undecodableRecord = (): Parsed<Envelope> => unparsed('the value is not a framed Avro record');
