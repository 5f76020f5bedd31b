export type { ApplyOptions, Committed } from './apply-batches.ts';
export { applyBatches } from './apply-batches.ts';
export { parseBody } from './arrival.ts';
export { handOver } from './hand-over.ts';
export { createStoreMetrics, reportParkedKeys } from './metrics.ts';
export type { KeyRef, LockedQueue, WaitingRow } from './parked-queue.ts';
export {
  advanceQueue,
  arrivalOfRow,
  joinQueue,
  lockQueue,
  moveCounts,
  resolveWaiting,
  transactionAgainst,
} from './parked-queue.ts';
export type { LedgerRow, OperatorAction } from './positions.ts';
export { AUDIT_OPERATOR, createPositions, operatorActor, readLedger, rebaseLedger } from './positions.ts';
export { reasonOf, reduceEvents } from './reduce-events.ts';
export type { RetryPolicy } from './retry-policy.ts';
export { DEFAULT_RETRY_DELAYS_MS, retryDelayMs } from './retry-policy.ts';
export type { Families } from './state-table.ts';
export { familiesOf } from './state-table.ts';
export { loadStates, saveStates } from './states.ts';
