import type { PoolClient, QueryConfig, QueryResult } from 'pg';
import { gatherWrites } from '#platform/time';

/**
 * Sends a statement together with all others that this turn of the event loop sends on the connection: a transaction
 * begins with five.
 */
export const sent = (client: PoolClient, query: QueryConfig<unknown[]>): Promise<QueryResult> => {
  gatherWrites(client.connection.stream);
  return client.query(query);
};
