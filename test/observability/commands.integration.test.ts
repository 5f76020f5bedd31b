/** Runs every command of the runbooks on real servers, as a person would who follows them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createTestDatabase, openTestKafka, testServers } from '#kit';
import type { TestDatabase, TestKafka } from '#kit';
import { PLACEHOLDER, runbooks } from '../../tools/observability/runbooks.ts';
import { openDakia } from '../kit/cli/run-dakia.ts';
import type { Dakia } from '../kit/cli/run-dakia.ts';

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), 'dakia-runbooks-'));
const pages = runbooks();
let kafka: TestKafka;
let database: TestDatabase;
let dakia: Dakia;

beforeAll(async () => {
  [kafka, database] = await Promise.all([openTestKafka(), createTestDatabase()]);
  dakia = openDakia({
    ...testServers(),
    DATABASE_URL: database.url,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    DAKIA_QUEUE_PREFIX: kafka.prefix.slice(0, -1),
    RAZORPAY_WEBHOOK_SECRETS: 'a secret of twenty-four',
  });
});
afterAll(async () => {
  await dakia.close();
  await kafka.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

/**
 * What a reader puts where a word in capitals stands. There is no
 * such thing in this empty deployment, so the command says that.
 */
const FILLED: Readonly<Record<string, string>> = {
  KEY: 'rfnd_FS8TWyPrCsa0OB',
  GROUP: 'payments',
  TOPIC: 'rzp.payments.v1',
  PARTITION: '0',
  DESTINATION: 'order-system',
};
/** Commands that are right to end with 2 here: they name a thing that this deployment has not. */
const NAMES_A_THING = /^(notify test|ledger (rebase|recount))/;
/** The test's one broker has fewer copies than a deployment. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  'topics apply': ['--shape', 'embedded'],
  'topics verify': ['--shape', 'embedded'],
};

const fill = (word: string): string => {
  if (!PLACEHOLDER.test(word)) return word;
  const value = FILLED[word];
  if (value === undefined) throw new Error(`the test has nothing for ${word}`);
  return value;
};

const commands = [...new Map(pages.flatMap((page) => page.commands.map((args) => [args.join(' '), args] as const)))];
const queries = pages.flatMap(({ name, queries: all }) => all.map((query) => [name, query] as const));

test('the pages have commands and queries', () => {
  expect(commands.length).toBeGreaterThan(15);
  expect(queries.length).toBeGreaterThan(0);
});

test.each(commands)('npx dakia %s does what it says, or says what is missing', async (line, args) => {
  const words = args.map(fill);
  const { code, stdout, stderr } = await dakia.run(
    '--data-dir',
    folder,
    ...words,
    ...(MORE[words.slice(0, 2).join(' ')] ?? []),
  );
  const said = `${stdout}${stderr}`;
  expect(said).not.toMatch(/unknown (option|command)|too many arguments|missing required|\.ts:/);
  expect({ line, said: said.trim() !== '' }).toEqual({ line, said: true });
  expect(NAMES_A_THING.test(line) ? [0, 1, 2] : [0, 1]).toContain(code);
});

test.each(queries)('the query of %s runs on the tables', async (_name, query) => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    expect((await client.query(query)).rows).toEqual([]);
  } finally {
    await client.end();
  }
});
