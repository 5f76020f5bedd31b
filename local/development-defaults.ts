import type { Environment } from '#platform/config';

/**
 * What `npm start` sets where the environment does not: settings whose own default is meant for a cluster, and on one
 * machine that also runs the servers would only make processes wait for each other.
 */
export const developmentDefaults: Environment = {
  DAKIA_RETRY_CONCURRENCY: '2',
  DAKIA_DRAIN_DELAY_MS: '0',
  // On a laptop nobody else in the network should reach it; a container sets its own.
  DAKIA_WEBHOOK_HOST: '127.0.0.1',
  DAKIA_OPS_HOST: '127.0.0.1',
};
