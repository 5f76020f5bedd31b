export { mountQueueBoard } from './board.ts';
export type { BoardConfig, Job, JobData, JobOutcome, JobQueue, QueueConfig, QueueStats, WorkerOptions } from './contracts.ts';
export { notifyQueueOf, retryQueueOf } from './names.ts';
export { openQueue } from './queue.ts';
export { getQueueStats } from './stats.ts';
export { createWorker } from './worker.ts';
