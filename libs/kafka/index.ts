export { applyTopics, verifyTopics } from './admin.ts';
export type { KafkaClient, KafkaConfig } from './client.ts';
export { createKafka, kafkaIssues } from './client.ts';
export type { KafkaConsumer } from './consumer/consumer.ts';
export { createConsumer } from './consumer/consumer.ts';
export { startedWhenPossible } from './consumer/started-when-possible.ts';
export type {
  BatchHandler,
  BatchOutcome,
  EventProducer,
  PartitionBatch,
  PartitionLog,
  Position,
  PositionSource,
  PublishOutcome,
  ReceivedRecord,
  RecordMark,
} from './contracts.ts';
export type { LogOfPartition, LogReader } from './log-ends.ts';
export { createLogReader, readLogs } from './log-ends.ts';
export { createKafkaPing } from './ping.ts';
export type { Reluctance } from './producer/batcher.ts';
export type { KafkaProducer } from './producer/producer.ts';
export { createProducer } from './producer/producer.ts';
export type { StoredRecord } from './topic-reader.ts';
export { readTopics } from './topic-reader.ts';
export type { TopicShape } from './topics.ts';
export { describeTopicAction, embeddedShape, planTopics, productionShape } from './topics.ts';
