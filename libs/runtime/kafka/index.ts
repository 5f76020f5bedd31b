export type { BatchHandler, BatchOutcome, EventProducer, PartitionBatch, PartitionLog, Position, PositionSource, PublishOutcome, ReceivedRecord } from './contracts.ts';
export type { ClientOptions, KafkaClient, KafkaConfig } from './client.ts';
export { createKafka, kafkaIssues } from './client.ts';
export type { AppliedTopics, TopicsRequest } from './admin.ts';
export { applyTopics, verifyTopics } from './admin.ts';
export type { TopicAction, TopicPlan, TopicShape } from './topics.ts';
export { describeTopicAction, embeddedShape, productionShape, TOPIC_MAX_BATCH_BYTES } from './topics.ts';
