import { families, familyNames, QUARANTINE_SERVICE, QUARANTINE_TOPIC } from './families.ts';
import type { Family, ServiceName } from './families.ts';

/** Topics that are consumed: each of their partitions has a row in the ledger. Names here are without the deployment's prefix. */
export const topics: readonly string[] = [...familyNames.map((family) => families[family].topic), QUARANTINE_TOPIC];

/** Where copies of the events of a family's topic go that were given up. */
export const deadLetterTopicOf = (family: Family): string => `${families[family].topic}.dlq`;

export const deadLetterTopics: readonly string[] = familyNames.map(deadLetterTopicOf);

/** Every topic that Dakia owns: what is created, verified and has a schema. Dead letters are read by commands only, so they have no ledger. */
export const ownTopics: readonly string[] = [...topics, ...deadLetterTopics];

const forPeople: ReadonlySet<string> = new Set([QUARANTINE_TOPIC, ...deadLetterTopics]);
/** Whether the records of a topic wait for somebody who mends a rule or adds a catalogue row, and not for a service. */
export const waitsForPeople = (topic: string): boolean => forPeople.has(topic);

export const topicsOf = (service: ServiceName | typeof QUARANTINE_SERVICE): readonly string[] =>
  service === QUARANTINE_SERVICE ? [QUARANTINE_TOPIC] : familiesOf(service).map((family) => families[family].topic);

export const familiesOf = (service: ServiceName): readonly Family[] =>
  familyNames.filter((family) => families[family].service === service);
