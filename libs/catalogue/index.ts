export type { EventIn, EventName, EventSpec } from './events.ts';
export { eventNames, events, eventsOf, eventSpec, isEventName } from './events.ts';
export type { Family, FamilySpec, Priority, ServiceName } from './families.ts';
export { families, familyNames, familySpec, QUARANTINE_SERVICE, QUARANTINE_TOPIC, serviceNames } from './families.ts';
export type { QuarantineReason, Routed, Routing } from './route.ts';
export { accountIdOf, entityIn, occurredAtOf, quarantineReasons, route, subjectOf } from './route.ts';
export { familiesOf, topics, topicsOf } from './topics.ts';
