import { port, setting } from '#platform/config';
import type { ConfigOf } from '#platform/config';

/** Ports of the servers that npm start runs; all listen on loopback only. */
export const embeddedSettings = {
  kafkaPort: setting('DAKIA_KAFKA_PORT', port(9092), 'Port of the embedded Kafka; 0 takes a free one.'),
  kafkaControllerPort: setting(
    'DAKIA_KAFKA_CONTROLLER_PORT',
    port(9093),
    "Port of the embedded Kafka's controller; 0 takes a free one.",
  ),
  registryPort: setting('DAKIA_REGISTRY_PORT', port(8081), 'Port of the embedded schema registry; 0 takes a free one.'),
  postgresPort: setting('DAKIA_POSTGRES_PORT', port(5432), 'Port of the embedded Postgres; 0 takes a free one.'),
  redisPort: setting('DAKIA_REDIS_PORT', port(6379), 'Port of the embedded Redis; 0 takes a free one.'),
} as const;

export type ServerPorts = ConfigOf<typeof embeddedSettings>;
