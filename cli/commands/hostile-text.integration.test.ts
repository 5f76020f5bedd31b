import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Envelope } from '#envelope';
import { allAggregates } from '#families';
import { listDead, listParked, retryDead } from '#operate';
import { wakeParked } from '#parking';
import type { Parsed } from '#rules';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';

/** Whoever has the secret writes ids, names and reasons; the operator's terminal shows them and obeys none of them. */
jest.setTimeout(60_000);

/** A line of its own, a cleared screen, text that runs backwards, and letters that nobody sees. */
const HOSTILE = '\nfake\u001b[2J\u009b1m\u202e\u{e0041}\u200b';
const SHOWN = String.raw`\nfake\u001b[2J\u009b1m\u202e\udb40\udc41\u200b`;
const OBEYED = /(?!\n)\p{Cc}|\p{Cf}/u;

const folder = mkdtempSync(join(tmpdir(), 'dakia-hostile-'));
let store: TestStore;
let refunds: TestPartition;
let commands: Dakia;

beforeAll(async () => {
  store = await openTestStore('refunds', allAggregates);
  await store.rows('ALTER TABLE payment_refunds ADD CONSTRAINT never_five CHECK (amount_minor <> 5)');
  refunds = await store.partition('rzp.refunds.v1', 0);
  commands = openDakia({ DATABASE_URL: store.url });
});
afterAll(async () => {
  await commands.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const keyOf = (name: string): string => `rfnd_${name}${HOSTILE}`;
const refund = (name: string, amount: number, event = name): Parsed<Envelope> =>
  testEvent('refund.created', `${event}${HOSTILE}`, keyOf(name), {
    payment_id: `pay_1${HOSTILE}`,
    amount,
    status: `created${HOSTILE}`,
    notes: { to: HOSTILE },
  });

/** What a person reads: with the hostile text in it, where `isShown`, and with no line and no character of its own. */
const read = async (isShown: boolean, ...args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await commands.run('--data-dir', folder, ...args);
  const said = `${stdout}${stderr}`;
  expect({ args, fakes: said.split('\n').filter((line) => line.startsWith('fake')) }).toEqual({ args, fakes: [] });
  expect({ args, obeyed: OBEYED.exec(said) }).toEqual({ args, obeyed: null });
  if (isShown) expect(said).toContain(SHOWN);
  // The same for a program that reads it: one line, whose values are what was sent.
  const answer = await commands.run('--data-dir', folder, ...args, '--json');
  expect(answer.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(OBEYED.exec(answer.stdout)).toBeNull();
  return answer.stdout;
};

test('parked: listed, shown, given up and tried again, changed meanwhile', async () => {
  await refunds.send(refund('p1', 5), refund('p1', 5, 'p1-behind'), refund('p2', 5), refund('p3', 5));
  const key = keyOf('p1');
  expect(JSON.parse(await read(true, 'parked', 'list'))).toMatchObject({ parked: [{ key }, {}, {}] });
  await read(true, 'parked', 'show', '--key', key);
  await read(true, 'parked', 'show', '--key', key, '--body');
  await read(true, 'parked', 'discard', '--all', '--reason', `no${HOSTILE}`);
  const [, second] = await listParked(store.database, {});
  await store.rows('UPDATE parked_keys SET attempts = 7 WHERE entity_key = $1', [second!.key]);
  await refunds.send(refund('p4', 5));
  // The first printing says what has changed, what is new and what was done.
  await read(true, 'parked', 'discard', '--all', '--reason', `no${HOSTILE}`, '--yes');
  await read(true, 'parked', 'retry', '--all');
  await read(true, 'parked', 'retry', '--all', '--yes');
});

test('dead and quarantined: listed, shown and decided', async () => {
  await refunds.send(refund('d1', 5));
  await store.rows('UPDATE parked_keys SET next_attempt_at = now()');
  for (const { family, key } of await listParked(store.database, {}))
    await wakeParked(
      { database: store.database, aggregates: allAggregates, policy: { delaysMs: [] }, actor: 'worker' },
      { family, key },
    );
  const [letter] = await listDead(store.database, {});
  await read(true, 'dead', 'list');
  await read(true, 'dead', 'show', '--event-id', letter!.eventId);
  await read(true, 'dead', 'retry', '--all');
  await retryDead(
    { database: store.database, aggregates: allAggregates, policy: { delaysMs: [60_000] } },
    letter!.eventId,
    { who: `asha${HOSTILE}`, reason: HOSTILE },
  );
  await read(true, 'dead', 'retry', '--all', '--yes');

  const known = refund('q1', 9);
  const quarantine = await store.partition('rzp.quarantine.v1', 0);
  await quarantine.send(
    known.ok
      ? {
          ok: true,
          value: { ...known.value, kind: 'quarantine', event: `no.such${HOSTILE}`, reason: `unknown${HOSTILE}` },
        }
      : known,
    known.ok
      ? {
          ok: true,
          value: {
            ...known.value,
            kind: 'quarantine',
            event: `no.such${HOSTILE}`,
            reason: 'unknown-event',
            rawBody: Buffer.from(JSON.stringify({ event: `no.such${HOSTILE}`, payload: {} })),
          },
        }
      : known,
  );
  await read(true, 'quarantine', 'list');
  await read(true, 'quarantine', 'show', '--event-id', `q1${HOSTILE}`);
  await read(false, 'quarantine', 'replay', '--all');
  await read(false, 'quarantine', 'replay', '--all', '--yes');
  await read(false, 'status', '--explain');
});

test('an entity, its story, and what was refused of it', async () => {
  await refunds.send(refund('s1', 9), refund('s1', 9), refund('s2', 9, 's1'));
  await read(true, 'show', keyOf('s1'));
  await read(true, 'show', keyOf('s1'), '--personal');
  await read(true, 'show', `s1${HOSTILE}`);
  await read(true, 'search', keyOf('s1'));
  await read(true, 'conflicts', 'list');
  await read(false, 'erase', '--entity', keyOf('s1'), '--reason', HOSTILE);
  await read(false, 'rebuild', '--family', 'refunds', '--reason', HOSTILE);
  await read(false, 'notifications', 'list');
});

test.each([
  ['parked', 'discard', '--key', `nobody${HOSTILE}`, '--reason', 'none'],
  ['dead', 'show', '--event-id', `nobody${HOSTILE}`],
  ['verify', '--seed', `nobody${HOSTILE}`],
  [`no-such-command${HOSTILE}`],
])('what is asked for and not found is named as text: %s %s', async (...args) => {
  const { stdout, stderr, code } = await commands.run('--data-dir', folder, ...args);
  expect(code).toBeGreaterThan(0);
  expect(OBEYED.exec(`${stdout}${stderr}`)).toBeNull();
});
