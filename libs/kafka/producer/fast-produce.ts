import type { KafkaRecord } from '#envelope';
import { assertKnownKafkajs, kafkajsInternal } from '../kafkajs-patch.ts';
import { encodeProduce } from './record-batch.ts';
import type { OutgoingRecord, TopicData } from './record-batch.ts';

/** The arguments of kafkajs' Produce request, src/protocol/requests/produce/v3/request.js. */
interface ProduceArguments {
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: TopicData;
}
/** What kafkajs' framing reads of an encoder: it checks `buf` and copies `buffer`. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}
interface Exchange {
  readonly request: { readonly encode: () => Promise<Encoded> };
  readonly response: unknown;
}
/** One row of src/protocol/requests/index.js: the requests of one API, by version. */
interface RequestDefinition {
  readonly versions: readonly string[];
  protocol: (choice: { readonly version: number }) => (args: ProduceArguments) => Exchange;
}

/** Record batches of magic 2 came with version 3; versions 4 to 7 encode the same. */
const FIRST_VERSION = 3;

/**
 * A record of our own producer: marked by its class, so that other
 * kafkajs producers of the process keep kafkajs' encoder.
 */
export class FastRecord implements OutgoingRecord {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Where the partitioner has put it. */
  partition?: number;
  constructor(record: KafkaRecord) {
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
  }
}

/** A record that is sent with the fast encoder, in a batch that holds no others. */
export const fastRecord = (record: KafkaRecord): FastRecord => new FastRecord(record);

const produceDefinition = (): RequestDefinition =>
  (kafkajsInternal('src/protocol/requests/index.js') as { requests: { Produce: RequestDefinition } }).requests.Produce;

let replacement: RequestDefinition['protocol'] | undefined;

/** Replaces the encoder of kafkajs' Produce request for batches of fast records. Doing it again changes nothing. */
export const installFastProduce = (): void => {
  assertKnownKafkajs();
  const definition = produceDefinition();
  if (definition.protocol === replacement) return;
  const stock = definition.protocol;
  replacement = ({ version }) => {
    const make = stock({ version });
    if (version < FIRST_VERSION) return make;
    return (args) => (isFast(args.topicData) ? withEncoder(make(args), args) : make(args));
  };
  definition.protocol = replacement;
};

const isFast = (topicData: TopicData): boolean => topicData[0]?.partitions[0]?.messages[0] instanceof FastRecord;

const withEncoder = ({ request, response }: Exchange, { acks, timeout, topicData }: ProduceArguments): Exchange => ({
  response,
  request: {
    ...request,
    encode: async () => {
      const buffer = encodeProduce(acks, timeout, topicData);
      return { buf: buffer, buffer };
    },
  },
});

/** The Produce request as a connection would send it: for the start-up check and the tests. */
export const produceRequest = (version: number, args: ProduceArguments): Exchange =>
  produceDefinition().protocol({ version })(args);

/** Throws when kafkajs would not use our encoder, in any version of the request that a broker can agree on. */
export const assertFastProduce = async (): Promise<void> => {
  const topicData = [
    {
      topic: 'check',
      partitions: [{ partition: 0, messages: [fastRecord({ key: 'k', value: Buffer.from('v'), headers: {} })] }],
    },
  ];
  for (const version of produceDefinition()
    .versions.map(Number)
    .filter((known) => known >= FIRST_VERSION)) {
    const { buf, buffer } = await produceRequest(version, { acks: -1, timeout: 0, topicData }).request.encode();
    // kafkajs' own encoders make a new view on every access of `buffer`.
    if (buf !== buffer)
      throw new Error(`kafkajs' Produce request version ${version} does not use the encoder of libs/kafka/producer`);
  }
};
