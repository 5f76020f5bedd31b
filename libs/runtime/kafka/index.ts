export type { BatchHandler, BatchOutcome, EventProducer, PartitionBatch, PartitionLog, Position, PositionSource, PublishOutcome, ReceivedRecord } from './contracts.ts';
export type { ClientOptions, KafkaClient, KafkaConfig } from './client.ts';
export { createKafka, kafkaIssues } from './client.ts';
