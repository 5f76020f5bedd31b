export { tellAcrossRows } from './across-rows.ts';
export type { ApplyOptions, Committed } from './apply-batches.ts';
export { applyBatches } from './apply-batches.ts';
export type { WaitingKey } from './apply-ranges.ts';
export type { Arrival } from './arrival.ts';
export { arrivalOf, parseBody } from './arrival.ts';
export { releaseFromQuarantine } from './release-from-quarantine.ts';
export { joinSightings } from './join-sightings.ts';
export { createStoreMetrics, reportParkedKeys } from './metrics.ts';
export type { KeyRef, LockedQueue, WaitingRow } from './parked-queue.ts';
export {
  advanceQueue,
  arrivalOfRow,
  joinQueue,
  lockLedgerOf,
  lockQueue,
  moveCounts,
  resolveWaiting,
  transactionAgainst,
} from './parked-queue.ts';
export type { LedgerPlace, LedgerRow, OperatorAction, RebaseOutcome } from './positions.ts';
export { createPositions, operatorActor, readLedger, rebaseLedger } from './positions.ts';
export { ROW_IDENTITY } from './ledger.ts';
export type { Decision } from './reduce-events.ts';
export { reasonOf, reduceEvents } from './reduce-events.ts';
export type { RetryPolicy } from './retry-policy.ts';
export { DEFAULT_RETRY_DELAYS_MS, retryDelayMs } from './retry-policy.ts';
export type { SearchKey } from './search-digests.ts';
export { contactColumns, contactKindsOf, digestOf, recordDigests, searchKey } from './search-digests.ts';
export type { Families, StateTable } from './state-table.ts';
export { familiesOf } from './state-table.ts';
export { loadStates, saveStates } from './states.ts';
export { endEvents, withSpans } from './trace.ts';
