export { mountQueueBoard } from './board.ts';
export type { Job, JobData, JobOutcome, JobQueue, QueueConfig, QueueStats, WorkerOptions } from './contracts.ts';
export { notifyQueueOf, retryQueueOf } from './names.ts';
export { createOverdueSweep, OVERDUE_MS, SWEEP_EVERY_MS } from './overdue.ts';
export { openQueue } from './queue.ts';
export { getQueueStats } from './stats.ts';
export { createWorker } from './worker.ts';
