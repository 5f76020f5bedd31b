export type { EntityId, EventId, Instant } from './brands.ts';
export { entityId, eventId, fromEpochSeconds, instant } from './brands.ts';
export type { ContactKind, Field, FieldType, FieldValue, Reading, Snapshot } from './field.ts';
export {
  clearable,
  column,
  contactKinds,
  commonFields,
  either,
  ever,
  folded,
  highest,
  isStamped,
  latest,
  lowest,
  notAhead,
  oneOf,
  personal,
  provenanceFields,
  providerStatus,
  readPast,
  searched,
  sightedAt,
} from './field.ts';
export { foldInto } from './fold.ts';
export type { JsonRecord, JsonValue } from './json.ts';
export {
  isRecord,
  readFlag,
  readInteger,
  readJson,
  readText,
  readTime,
  recordAt,
  storableText,
  valueAt,
} from './json.ts';
export type { Denial, EntityState, Fact, Lifecycle, Mark } from './lifecycle.ts';
export {
  byRankThenTime,
  byStageThenTime,
  highestMark,
  observe,
  onceTrue,
  onOccurrence,
  onStatusChange,
  reducerOf,
  showsUnknown,
} from './lifecycle.ts';
export type { MergeRecord } from './merge-record.ts';
export { fromMergeRecord, toMergeRecord } from './merge-record.ts';
export type { Note, NoteKind } from './note.ts';
export { noteKinds } from './note.ts';
export { oncePer } from './once-per.ts';
export type { Parsed } from './parsed.ts';
export { parsed, unparsed } from './parsed.ts';
export { onStatusChangeOrPartPayment } from './part-payments.ts';
export { sourcesOf, withExtremesOf } from './rebuilt.ts';
export { compareStamps, UNKNOWN } from './stamp.ts';
export type { Disposition, Move, TransitionTable, Verdict } from './verdict.ts';
export { dispositions } from './verdict.ts';
