import pg from 'pg';
import type { ClientConfig } from 'pg';
import { postgresTarget } from '#platform/config';
import type { Current, PostgresTarget } from '#platform/config';

/** What a session is refused with that cannot write: read_only_sql_transaction. */
class ReadOnlyServer extends Error {
  override readonly name = 'ReadOnlyServer';
  readonly code = '25006';
}

const targetOf = (url: string): PostgresTarget => {
  const target = postgresTarget(url);
  if (target === undefined) throw new Error('DATABASE_URL is not a URL of Postgres');
  return target;
};

/** A URL of Postgres; asked for at each new connection where its file may have changed. */
export type DatabaseUrl = string | Current<string>;

/** The servers of a URL: which one new connections go to, until it fails them. */
export interface Hosts {
  readonly count: () => number;
  /** Index of the server whose turn it is. */
  readonly current: () => number;
  /** For one new connection: what the URL is now. */
  readonly url: () => string;
  /** The server at this index took no connection, or cannot be written to: the next one has its turn. */
  readonly failed: (index: number) => void;
  /** Throws when the session cannot write, where it has to. */
  readonly check: (client: Pick<pg.ClientBase, 'query'>) => Promise<void>;
}

/** `prepare` makes of each URL what is connected to. */
export const createHosts = (url: DatabaseUrl, prepare: (url: string) => string): Hosts => {
  const given = typeof url === 'string' ? (): string => url : url;
  const read = (text: string) => {
    const { urls, session } = targetOf(text);
    return { text, session, prepared: urls.map(prepare) };
  };
  let known = read(given());
  const now = (): typeof known => {
    const text = given();
    return text === known.text ? known : (known = read(text));
  };
  let turn = 0;
  return {
    count: () => known.prepared.length,
    current: () => turn,
    url: () => {
      const { prepared } = now();
      return prepared[turn % prepared.length] ?? '';
    },
    // Several connections may fail at once; only the first of them moves on.
    failed: (index) => (turn = index === turn ? turn + 1 : turn),
    check: async (client) => {
      if (known.session === 'any') return;
      const { rows } = await client.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
      if (rows[0]?.transaction_read_only !== 'off')
        throw new ReadOnlyServer('this server of Postgres can only be read; it is not, or no longer, the primary');
    },
  };
};

/** A connection of its own to the first server of the URL that takes it. Throws what the last one said. */
export const connectClient = async (
  url: DatabaseUrl,
  config: Omit<ClientConfig, 'connectionString'>,
  prepare: (url: string) => string = (one) => one,
): Promise<pg.Client> => {
  const hosts = createHosts(url, prepare);
  for (let tries = 1; ; tries += 1) {
    const index = hosts.current();
    const client = new pg.Client({ ...config, connectionString: hosts.url() });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await hosts.check(client);
      return client;
    } catch (error) {
      hosts.failed(index);
      void client.end().catch(() => undefined);
      if (tries >= hosts.count()) throw error;
    }
  }
};
