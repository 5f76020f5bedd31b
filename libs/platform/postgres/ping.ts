import type { Client } from 'pg';
import { connectClient } from './hosts.ts';
import type { DatabaseUrl } from './hosts.ts';

/** Longest time to connect and for the answer, in ms. */
const ANSWER_WITHIN_MS = 2_500;

/**
 * Asks Postgres whether it answers, over a connection of its own: a pool whose connections are all at work is no
 * Postgres that is away. `ping` rejects with the reason.
 */
export const createPostgresPing = (
  url: DatabaseUrl,
): { readonly ping: () => Promise<void>; readonly close: () => void } => {
  let client: Client | undefined;
  let closed = 0;
  const close = (): void => {
    const old = client;
    client = undefined;
    closed += 1;
    old?.end().catch(() => undefined);
  };
  const open = async (): Promise<Client> => {
    const before = closed;
    const opened = await connectClient(url, {
      application_name: 'dakia-health',
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    if (closed === before) client = opened;
    else opened.end().catch(() => undefined);
    return opened;
  };
  return {
    ping: async () => {
      try {
        await (client ?? (await open())).query('SELECT 1');
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
};
