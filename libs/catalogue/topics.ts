import { families, familyNames, QUARANTINE_SERVICE, QUARANTINE_TOPIC } from './families.ts';
import type { Family, ServiceName } from './families.ts';

/** Every topic that Dakia owns. Names here are without the deployment's prefix. */
export const topics: readonly string[] = [...familyNames.map((family) => families[family].topic), QUARANTINE_TOPIC];

export const topicsOf = (service: ServiceName | typeof QUARANTINE_SERVICE): readonly string[] =>
  service === QUARANTINE_SERVICE ? [QUARANTINE_TOPIC] : familiesOf(service).map((family) => families[family].topic);

export const familiesOf = (service: ServiceName): readonly Family[] => familyNames.filter((family) => families[family].service === service);
