export type { BatchHandler, BatchOutcome, EventProducer, PartitionBatch, PartitionLog, Position, PositionSource, PublishOutcome, ReceivedRecord } from './contracts.ts';
