import pg from 'pg';
import type { Current } from '#platform/config';

/** Longest time to connect and for the answer, in ms. */
const ANSWER_WITHIN_MS = 2_500;

/**
 * Asks Postgres whether it answers, over a connection of its own: a pool whose connections are all at work is no
 * Postgres that is away. `ping` rejects with the reason.
 */
export const createPostgresPing = (
  url: Current<string>,
): { readonly ping: () => Promise<void>; readonly close: () => void } => {
  let client: pg.Client | undefined;
  const close = (): void => {
    const old = client;
    client = undefined;
    old?.end().catch(() => undefined);
  };
  const open = async (): Promise<pg.Client> => {
    const opened = new pg.Client({
      connectionString: url(),
      application_name: 'dakia-health',
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    client = opened;
    opened.on('error', () => undefined);
    await opened.connect();
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
