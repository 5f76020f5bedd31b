import type { Command } from 'commander';
import { topics as familyTopics } from '#catalogue';
import { createEnvelopeDecoder, createSchemaLookup } from '#envelope';
import type { EnvelopeDecoder, KafkaRecord, Redrive, Stored } from '#envelope';
import { kafkaSettings, registrySettings } from '#platform/config';
import { createProducer, readTopics } from '#kafka';
import type { EventProducer, StoredRecord } from '#kafka';
import { createLogger } from '#platform/log';
import { createRegistry } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import { now, pause } from '#platform/time';
import { instant } from '#rules';
import { printDryRun, printLeft, startLeft, startTally } from './bulk.ts';
import type { Candidate, Left, Tally } from './bulk.ts';
import { openKafka } from './connections.ts';
import { exitCodes, noneOf, print, printJson, settingsOf } from './output.ts';
import { passes } from './pending-options.ts';
import type { Filter } from './pending-options.ts';
import { forgetPicture, readPicture, rememberPicture } from './picture.ts';
import { progressBar } from './progress.ts';

export interface ReplayRequest {
  /** Catalogue names of the topics that are read. */
  readonly topics: readonly string[];
  readonly decide: (decoder: EnvelopeDecoder, record: Stored) => Promise<Redrive>;
  readonly filter: Filter;
  /** False: only counts what would be produced. */
  readonly execute: boolean;
}

export interface Replayed extends Tally {
  readonly executed: boolean;
  /** Records that the topics hold. */
  readonly read: number;
  /** Records that stay where they are, by the reason. */
  readonly left: Left;
  /** Sends and connection attempts that failed on the way and were made again. */
  readonly failedSends: number;
}

/** Sends of one record until Kafka confirms it, and the pause between them, in ms. */
const [SENDS_MAX, SEND_PAUSE_MS] = [8, 500];
/** Longest time for what is on its way when the replay ends, in ms. */
const STOP_WITHIN_MS = 5_000;

/**
 * Reads whole topics and produces again what is decided so. Every record is confirmed by
 * all in-sync replicas before the next batch is read. Throws when Kafka does not confirm
 * one; doing all of it again is harmless, the events' ids make copies duplicates.
 */
export const replayFromKafka = async (
  command: Command,
  { topics, decide, filter, execute }: ReplayRequest,
): Promise<Replayed> => {
  const { kafka, prefix } = await openKafka(command);
  const { schemaRegistryUrl } = settingsOf(command, registrySettings);
  const decoder = createEnvelopeDecoder(
    schemaRegistryUrl === undefined ? undefined : createSchemaLookup(schemaRegistryUrl),
  );
  const counting = startTally();
  const left = startLeft();
  const bounds = boundsOf(command, { fromKafka: topics, ...filter }, execute);
  let bar: ReturnType<typeof progressBar> | undefined;

  const choose = async (record: StoredRecord): Promise<readonly Extract<Redrive, { kind: 'again' }>[]> => {
    if (!bounds.wasShown(record)) {
      left.add('came after what was shown');
      return [];
    }
    const redrive = await decide(decoder, record);
    if (redrive.kind === 'left') {
      left.add(redrive.reason);
      return [];
    }
    const candidate = candidateOf(redrive);
    if (!passes(candidate, filter)) return [];
    counting.add(candidate);
    return [redrive];
  };

  const readAll = (publish: (topic: string, record: KafkaRecord) => Promise<void>): Promise<number> =>
    readTopics(kafka, {
      topics,
      prefix,
      onBatch: async (records) => {
        const chosen = (await Promise.all(records.map(choose))).flat();
        const all = chosen.flatMap(({ topic, record, beside }) => [{ topic, record }, ...beside]);
        await Promise.all(all.map(({ topic, record }) => publish(topic, record)));
      },
      onProgress: (read, total) => (bar ??= progressBar(execute ? 'replaying' : 'reading', total)).advance(read),
    });
  const metrics = createRegistry();
  const read = await (execute ? withProducer(command, metrics, readAll) : readAll(async () => undefined)).finally(() =>
    bar?.end(),
  );
  bounds.end();
  return { executed: execute, read, failedSends: await failedSendsIn(metrics), ...counting.tally(), left: left.list() };
};

/**
 * A dry run shows records up to an offset of each partition, and what is done
 * after it ends there: a record never changes, but others may have come.
 */
const boundsOf = (command: Command, scope: object, execute: boolean) => {
  let isAllShown = true;
  const picture = execute ? readPicture(command, scope) : undefined;
  const shown = picture && new Map(picture.items.map(({ id, as }) => [id, BigInt(as)]));
  const ends = new Map<string, bigint>();
  return {
    wasShown: ({ topic, partition, offset }: StoredRecord): boolean => {
      const place = `${topic}/${partition}`;
      if (shown !== undefined) {
        const wasShown = offset < (shown.get(place) ?? 0n);
        isAllShown &&= wasShown;
        return wasShown;
      }
      ends.set(place, offset + 1n);
      return true;
    },
    end: (): void => {
      if (execute && isAllShown) forgetPicture(command, scope);
      else if (!execute)
        rememberPicture(
          command,
          scope,
          [...ends].map(([id, end]) => ({ id, as: String(end) })),
        );
    },
  };
};

const candidateOf = ({ envelope, cause }: Extract<Redrive, { kind: 'again' }>): Candidate => ({
  family: envelope.family,
  event: envelope.event,
  key: envelope.key,
  eventId: envelope.eventId,
  cause,
});

/** Nobody scrapes a command: it says itself what its producer has counted. */
const failedSendsIn = async (metrics: Registry): Promise<number> => {
  const counted = await metrics.getSingleMetric('dakia_producer_failures_total')?.get();
  return counted?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
};

const withProducer = async <Result>(
  command: Command,
  metrics: Registry,
  work: (publish: (topic: string, record: KafkaRecord) => Promise<void>) => Promise<Result>,
): Promise<Result> => {
  const config = settingsOf(command, kafkaSettings);
  const producer = createProducer({
    config,
    log: createLogger('dakia', 'silent'),
    metrics,
    clientId: 'dakia-cli',
    topics: familyTopics,
  });
  await producer.start();
  try {
    return await work((topic, record) => publishSurely(producer, topic, record));
  } finally {
    await producer.stop(instant(now() + STOP_WITHIN_MS));
  }
};

const publishSurely = async (producer: EventProducer, topic: string, record: KafkaRecord): Promise<void> => {
  for (let sends = 1; ; sends++) {
    if ((await producer.publish(topic, record)) === 'durable') return;
    if (sends === SENDS_MAX)
      throw new Error(
        `Kafka has not confirmed the event ${record.headers['event-id'] ?? record.key} in ${topic}; run the ` +
          'command again when Kafka is well: what is there twice is applied once',
      );
    await pause(SEND_PAUSE_MS);
  }
};

/** Prints what a replay from Kafka did or would do. Exits 1 when a filter matches nothing, as all bulk commands do. */
export const reportReplay = (replayed: Replayed, filter: Filter, json: boolean): void => {
  const { executed, read, count, left, failedSends } = replayed;
  const isFiltered = Object.keys(filter).length > 0;
  const ok = count > 0 || !isFiltered;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json) return printJson({ ok, ...replayed });
  if (count === 0) print(`${noneOf('records to produce again', isFiltered)}; ${read} were read`);
  else if (executed) print(`${count} of ${read} records were produced again; their services apply them`, 'good');
  else printDryRun(replayed, 'records would be produced again');
  if (failedSends > 0) print(`Kafka did not take ${failedSends} sends on the way; they were made again`);
  printLeft(left);
};
