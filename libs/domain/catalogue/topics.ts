import { families, familyNames, QUARANTINE_SERVICE, QUARANTINE_TOPIC } from './families.ts';
import type { Family, ServiceName } from './families.ts';

/**
 * Topics that are consumed: each of their partitions has a row in the
 * ledger. Names here are without the deployment's prefix.
 */
export const topics: readonly string[] = [...familyNames.map((family) => families[family].topic), QUARANTINE_TOPIC];

/** Where copies of the events of a family's topic go that were given up. */
export const deadLetterTopicOf = (family: Family): string => `${families[family].topic}.dlq`;

export const deadLetterTopics: readonly string[] = familyNames.map(deadLetterTopicOf);

/**
 * Every topic that Dakia owns: what is created, verified and has a
 * schema. Dead letters are read by commands only, so they have no ledger.
 */
export const ownTopics: readonly string[] = [...topics, ...deadLetterTopics];

const forPeople: ReadonlySet<string> = new Set([QUARANTINE_TOPIC, ...deadLetterTopics]);
/**
 * Days that Kafka keeps records. `events`: as long as a service may be down. `forPeople`:
 * dead letters and the quarantine, which wait for somebody to mend a rule or add a catalogue
 * row; that takes longer, and they can be replayed from Kafka alone for this long.
 */
export const KEPT_DAYS = { events: 14, forPeople: 90 } as const;

/** Least days for which a topic keeps its records, whatever the deployment wants. */
export const leastDaysOf = (topic: string): number => (forPeople.has(topic) ? KEPT_DAYS.forPeople : 0);

/**
 * Days after which no topic brings an event again: it lay in its
 * family's topic until it died, and then among the dead letters.
 */
export const REPLAYED_WITHIN_DAYS = KEPT_DAYS.events + KEPT_DAYS.forPeople;

export const topicsOf = (service: ServiceName | typeof QUARANTINE_SERVICE): readonly string[] =>
  service === QUARANTINE_SERVICE ? [QUARANTINE_TOPIC] : familiesOf(service).map((family) => families[family].topic);

export const familiesOf = (service: ServiceName): readonly Family[] =>
  familyNames.filter((family) => families[family].service === service);
