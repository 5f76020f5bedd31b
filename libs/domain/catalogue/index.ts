export { acrossRows } from './across-rows.ts';
export type { EventIn, EventName, ModelledEventName } from './events.ts';
export { eventNames, eventsOf, eventSpec, isEventName, isModelled } from './events.ts';
export type { FactKind } from './facts.ts';
export { factKinds, factSpec, isFactKind } from './facts.ts';
export type { Family, Priority, ServiceName } from './families.ts';
export { families, familyNames, familySpec, QUARANTINE_SERVICE, QUARANTINE_TOPIC, serviceNames } from './families.ts';
export type { JobPriority, NotificationStatus } from './notifications.ts';
export { AFTERWARDS, notificationStatuses } from './notifications.ts';
export type { QuarantineReason, Routing } from './route.ts';
export {
  accountIdOf,
  contentOf,
  entityBeside,
  entityIn,
  occurredAtOf,
  quarantineReasons,
  route,
  subjectOf,
} from './route.ts';
export type { SightedPart } from './sighted-parts.ts';
export { isSightedPart, sightedFamily } from './sighted-parts.ts';
export type { Sighting } from './sightings.ts';
export { sightingIn, sightingsIn } from './sightings.ts';
export {
  deadLetterTopicOf,
  deadLetterTopics,
  familiesOf,
  KEPT_DAYS,
  leastDaysOf,
  ownTopics,
  REPLAYED_WITHIN_DAYS,
  topics,
  topicsOf,
} from './topics.ts';
