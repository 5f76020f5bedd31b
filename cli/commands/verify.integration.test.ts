import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { familyNames, familySpec } from '#catalogue';
import { toEnvelopes } from '#envelope';
import { allAggregates } from '#families';
import { instant, parsed } from '#rules';
import { plan, rememberRun, simulation, storyNames, verify } from '#simulator';
import type { SimulationSettings, StoryName } from '#simulator';
import { openTestStore } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

/** Every test starts processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const DAKIA = join(import.meta.dirname, '..', 'dakia.ts');
const settings: SimulationSettings = {
  seed: 'verify',
  count: 300,
  stories: storyNames as [StoryName, ...StoryName[]],
  at: instant(1_790_000_000_000),
};

let store: TestStore;
let folder: string;

beforeAll(async () => {
  store = await openTestStore('verify', allAggregates);
  folder = mkdtempSync(join(tmpdir(), 'dakia-verify-'));
  rememberRun(folder, settings);
  await applyAll();
  // So that a test can put any text into this column.
  await store.rows('ALTER TABLE payment_orders DROP CONSTRAINT payment_orders_notification_status_check');
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const BATCH = 7;

/**
 * Applies the simulation the way the consumers do: shuffled, with repeats, in small batches, through the real store.
 */
const applyAll = async (): Promise<void> => {
  const deliveries = plan(simulation(settings).events, { seed: 'x', duplicates: 0.3, shuffle: true, tamper: 0 });
  const all = deliveries.flatMap(({ event }) =>
    toEnvelopes({
      rawBody: event.body,
      eventIdHeader: event.eventId,
      endpoint: 'default',
      receivedAt: settings.at,
      traceparent: undefined,
    }),
  );
  for (const family of familyNames) {
    const partition = await store.partition(familySpec(family).topic);
    const envelopes = all
      .filter((envelope) => envelope.kind === 'event' && envelope.family === family)
      .map((envelope) => parsed(envelope));
    for (let from = 0; from < envelopes.length; from += BATCH)
      expect(await partition.send(...envelopes.slice(from, from + BATCH))).toBe('applied');
  }
};

const dakia = (...args: readonly string[]) =>
  spawnSync(process.execPath, [DAKIA, '--data-dir', folder, 'verify', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], DATABASE_URL: store.url },
  });

/** Runs a change of one table, looks, and puts the table back. */
const spoiled = async (sql: string, look: () => Promise<void> | void): Promise<void> => {
  const table = /(?:UPDATE|DELETE FROM) (\w+)/.exec(sql)?.[1] ?? '';
  await store.rows(`CREATE TABLE kept AS SELECT * FROM ${table}`);
  try {
    await store.rows(sql);
    await look();
  } finally {
    await store.rows(`TRUNCATE ${table}`);
    await store.rows(`INSERT INTO ${table} SELECT * FROM kept`);
    await store.rows('DROP TABLE kept');
  }
};

test('what the store applied in any order is equal to the simulation in its true order', async () => {
  const report = await verify(store.database, settings, 0);
  expect(report).toMatchObject({ ok: true, events: 300, differences: 0, shown: [] });
  expect(report.entities).toBeGreaterThan(100);
});

test.each(allAggregates.map((aggregate) => [aggregate.family, aggregate] as const))(
  'a wrong value in any column of %s is found',
  async (family, { fields }) => {
    const { table, keyColumn } = familySpec(family);
    const wrong = {
      text: `'wrong'`,
      bigint: '-1',
      boolean: null,
      timestamptz: `'1999-01-01'`,
      jsonb: `'{"wrong": true}'`,
    };
    const columns = Object.entries(fields).map(
      ([name, { type }]) => `${name} = ${wrong[type] ?? `NOT coalesce(${name}, false)`}`,
    );
    await spoiled(
      `UPDATE ${table} SET ${columns.join(', ')} WHERE ${keyColumn} = (SELECT min(${keyColumn}) FROM ${table})`,
      async () => {
        const { ok, shown } = await verify(store.database, settings, 0);
        expect(ok).toBe(false);
        expect(shown.map(({ what }) => what).sort()).toEqual(Object.keys(fields).sort());
      },
    );
  },
);

test('a missing row, a wrong status and a wrong event are found, and nothing else', async () => {
  await spoiled(
    `DELETE FROM payment_refunds WHERE refund_id = (SELECT min(refund_id) FROM payment_refunds)`,
    async () => {
      expect((await verify(store.database, settings, 0)).shown).toEqual([
        { about: expect.stringMatching(/^refunds rfnd_/) as string, what: 'row', expected: 'a row', found: 'none' },
      ]);
    },
  );
  await spoiled(
    `UPDATE payment_disputes SET status = 'open' WHERE dispute_id = (SELECT min(dispute_id) FROM payment_disputes
      WHERE status = 'won')`,
    async () => {
      expect((await verify(store.database, settings, 0)).shown).toMatchObject([
        { what: 'status', expected: 'won', found: 'open' },
      ]);
    },
  );
  await spoiled(
    `UPDATE webhook_events SET payload = 'x' WHERE razorpay_event_id = (SELECT min(razorpay_event_id)
      FROM webhook_events)`,
    async () => {
      expect((await verify(store.database, settings, 0)).shown).toMatchObject([{ what: 'sha256 of payload' }]);
    },
  );
  await spoiled(
    `DELETE FROM webhook_events WHERE razorpay_event_id = (SELECT min(razorpay_event_id) FROM webhook_events)`,
    async () => {
      expect((await verify(store.database, settings, 0)).shown).toMatchObject([
        { what: 'rows in webhook_events', expected: 1, found: 0 },
      ]);
    },
  );
  await spoiled(
    `UPDATE webhook_events SET processed = false, verdict = 'parked', reason = 'constraint'
      WHERE razorpay_event_id = (SELECT min(razorpay_event_id) FROM webhook_events)`,
    async () => {
      expect((await verify(store.database, settings, 0)).shown).toMatchObject([
        { what: 'processed', found: 'false: constraint' },
      ]);
    },
  );
});

test('the command exits 0 when equal, for the last simulation or the one that is named', () => {
  expect(dakia()).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^equal: \d+ entities and 300 events of seed verify/) as string,
  });
  const json = dakia('--seed', 'verify', '--count', '300', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: true,
    seed: 'verify',
    events: 300,
    differences: 0,
    at: 1_790_000_000,
  });
});

test('the command exits 1 and prints what differs', async () => {
  await spoiled(
    `UPDATE payment_orders SET status = 'created' WHERE order_id = (SELECT min(order_id) FROM payment_orders
      WHERE status = 'paid')`,
    () => {
      expect(dakia('--wait', '0')).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(
          /^1 differences in .*\n {2}orders order_\w{14}: status must be "paid", is "created"\n$/,
        ) as string,
      });
    },
  );
});

test('an unknown seed needs what simulate printed', () => {
  expect(dakia('--seed', 'unknown')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--count and --at') as string,
  });
  expect(dakia('--seed', 'unknown', '--count', '3', '--at', '1790000000', '--wait', '0')).toMatchObject({ status: 1 });
});
