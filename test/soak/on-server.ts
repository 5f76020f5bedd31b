import pg from 'pg';

/** Runs statements one after another on a connection of its own, which a fault may have ended by the next time. */
export const onServer = async (url: string, ...statements: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
};
