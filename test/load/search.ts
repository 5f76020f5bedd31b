import { randomBytes } from 'node:crypto';
import { searchKey, recordDigests } from '#apply';
import { entityStory, search } from '#operate';
import { createDatabase, OPERATOR_ROLE, adHoc } from '#platform/postgres';
import { createTestDatabase } from '../kit/databases.ts';
import { EXISTING_ROWS, fillDatabase } from './apply/existing-rows.ts';
import { median } from './statistics.ts';
import { onServer } from './stack.ts';

/**
 * How long `dakia search` and `dakia show` take with 1 M payments, orders and events and
 * 3 M digests, one customer having 100,000 of the payments. Needs a running stack: `npm
 * run stack`, `. .dakia/env`, then `npx node test/load/search.ts`. Five minutes, 3 GB. Prints median, p99, highest and first, in ms.
 */
const REPEATS = 200;
const key = searchKey(randomBytes(32).toString('hex'));
const HEAVY = { email: 'heavy@example.com', payments: 100_000 };

const fill = async (url: string): Promise<void> => {
  await fillDatabase(url);
  const database = createDatabase({ url, poolSize: 1, applicationName: 'dakia-load', statementTimeoutMs: 600_000 });
  try {
    await onServer(url, 'ALTER TABLE search_digests DROP CONSTRAINT search_digests_pkey');
    // Others have made them; what counts is how many there are.
    await onServer(
      url,
      `INSERT INTO search_digests SELECT hashtextextended(payment_id, n), 'payments', payment_id
        FROM payment_transactions CROSS JOIN generate_series(1, 3) AS n`,
    );
    await onServer(url, 'ALTER TABLE search_digests ADD PRIMARY KEY (digest, family, entity_key)');
    const rows = await database.query<{ id: string }>(
      adHoc(`SELECT payment_id AS id FROM payment_transactions LIMIT ${HEAVY.payments}`),
    );
    for (let from = 0; from < rows.length; from += 10_000)
      await recordDigests(
        database,
        key,
        rows
          .slice(from, from + 10_000)
          .map(({ id }) => ({ family: 'payments', key: id, kind: 'email', value: HEAVY.email })),
      );
    await onServer(
      url,
      `UPDATE payment_transactions SET email = '${HEAVY.email}', rrn = amount_minor::text WHERE ` +
        'amount_minor % 1000 = 1',
    );
    await onServer(url, 'VACUUM (ANALYZE)');
  } finally {
    await database.close();
  }
};

const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
  const times: number[] = [];
  for (let round = 0; round < REPEATS; round++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(REPEATS * 0.99)] ?? 0;
  // The first one opens the connection and plans; one that waited for a core is not in the 99th percentile.
  const figures = [median(times), p99, Math.max(...times.slice(1)), times[0] ?? 0].map((ms) => ms.toFixed(1));
  process.stdout.write(`| ${name} | ${figures.join(' | ')} |\n`);
};

const { url, drop } = await createTestDatabase();
try {
  const began = performance.now();
  await fill(url);
  process.stdout.write(`${EXISTING_ROWS} payments after ${Math.round((performance.now() - began) / 1000)} s\n`);
  const database = createDatabase({ url, poolSize: 1, applicationName: 'dakia-load', role: OPERATOR_ROLE });
  const by = async (text: string): Promise<unknown> => search(database, { text, limit: 50, personal: false, key });
  const [some] = await database.query<{ id: string; event: string }>(
    adHoc('SELECT payment_id AS id, last_event_id AS event FROM payment_transactions LIMIT 1'),
  );
  try {
    await measure("by a payment's id", async () => by(some?.id ?? ''));
    await measure("by an event's id", async () => by(some?.event ?? ''));
    await measure('by a receipt', async () => by('receipt 4711'));
    await measure('by an RRN', async () => by('4001'));
    await measure('by an e-mail address of 100,000 payments', async () => by(HEAVY.email));
    await measure('by a phone number of nobody', async () => by('+919876543210'));
    await measure('`dakia show` of a payment', async () => entityStory(database, some?.id ?? ''));
  } finally {
    await database.close();
  }
} finally {
  await drop();
}
