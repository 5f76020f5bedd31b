import type { PoolClient, QueryConfig, QueryResult } from 'pg';

/**
 * Sends a statement together with all others that this turn of the event loop sends on the connection: one system call
 * and one wake-up of the server for all of them, where a transaction begins with five (docs/performance.md).
 */
export const sent = (client: PoolClient, query: QueryConfig<unknown[]>): Promise<QueryResult> => {
  const { stream } = client.connection;
  if (stream.writableCorked === 0) {
    stream.cork();
    process.nextTick(() => stream.uncork());
  }
  return client.query(query);
};
