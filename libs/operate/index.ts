export type { Erased, ShownTables } from './erase.ts';
export { erase } from './erase.ts';
export type { Account, Counted, LedgerAlone, PartitionAccount, TopicAccount } from './accounting.ts';
export { accounting, accountOf, ledgerAlone, readCounted, STALLED_AFTER_S } from './accounting.ts';
export type { Received } from './received.ts';
export { readReceived, unkept } from './received.ts';
export type { Match, SearchResult } from './search.ts';
export { READ_MAX as SEARCH_READ_MAX, search } from './search.ts';
export { fillDigests } from './fill-digests.ts';
export type { EntityRef, EntityRow, EntityStory, StoryEntry } from './entity-story.ts';
export { entityStory } from './entity-story.ts';
export type { Maintained } from './maintain.ts';
export { maintain, retentionSettings } from './maintain.ts';
export type { NotificationFilter, RevivedNotification, ShownNotification, StatusCount } from './notifications.ts';
export { countNotifications, listNotifications, sendAgain } from './notifications.ts';
export type { DeadOutcome, DiscardOutcome, ShownDeath } from './operate-dead.ts';
export { discardDead, retryDead } from './operate-dead.ts';
export type { OperateParkedOutcome, ShownHead } from './operate-parked.ts';
export { discardParked, retryParked } from './operate-parked.ts';
export type { Finding } from './explain.ts';
export { explainDifference } from './explain.ts';
export type { Rebuilt, RowChange } from './rebuild.ts';
export { rebuild } from './rebuild.ts';
export type { RetiredPartition } from './partitions.ts';
export type { Recount } from './recount.ts';
export { recountLedger } from './recount.ts';
export { createReporter } from './reporter.ts';
export {
  applyPartitions,
  inPartition,
  RETIRE_DAYS_MIN,
  retirePartitions,
} from './partitions.ts';
export type { DeadDetails, HistoryEntry, ParkedDetails } from './pending-details.ts';
export { showDead, showParked, showQuarantined } from './pending-details.ts';
export type { WithBody } from './pending-export.ts';
export { exportDead, exportParked, exportQuarantined } from './pending-export.ts';
export type { DeadLetter, EventConflict, ParkedKey, PendingFilter, QuarantinedEvent } from './pending-lists.ts';
export { listConflicts, listDead, listParked, listQuarantined } from './pending-lists.ts';
export type { ShownPlace } from './quarantine.ts';
export { readAgain } from './kept-body.ts';
export type { Understood } from './understood.ts';
export { understoodInQuarantine } from './understood.ts';
export type { UnknownValue } from './unknown-values.ts';
export { listUnknownValues } from './unknown-values.ts';
export { replayQuarantined } from './quarantine.ts';
