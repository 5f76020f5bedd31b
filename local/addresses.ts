/** Where the four servers are, as the environment of the services. */
export interface ServerAddresses {
  readonly KAFKA_BROKERS: string;
  readonly DATABASE_URL: string;
  readonly REDIS_URL: string;
  readonly SCHEMA_REGISTRY_URL: string;
}
export type AddressName = keyof ServerAddresses;

export const addressNames: readonly AddressName[] = [
  'KAFKA_BROKERS',
  'DATABASE_URL',
  'REDIS_URL',
  'SCHEMA_REGISTRY_URL',
];

/** The addresses that the environment gives: those servers are used and not started. */
export const givenAddresses = (environment: Readonly<Record<string, string | undefined>>): Partial<ServerAddresses> =>
  Object.fromEntries(
    addressNames.flatMap((name) =>
      environment[name] === undefined || environment[name] === '' ? [] : [[name, environment[name]]],
    ),
  );
