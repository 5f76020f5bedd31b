import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Envelope } from '#envelope';
import { allAggregates } from '#families';
import { wakeParked } from '#parking';
import type { Parsed } from '#rules';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';

/** The machine may be busy with others. */
jest.setTimeout(30_000);

let store: TestStore;
let refunds: TestPartition;
let quarantine: TestPartition;
let folder: string;
let commands: Dakia;

beforeAll(async () => {
  store = await openTestStore('refunds', allAggregates);
  await store.rows('ALTER TABLE payment_refunds ADD CONSTRAINT never_five CHECK (amount_minor <> 5)');
  await store.rows('ALTER TABLE payment_refunds ADD CONSTRAINT never_six CHECK (amount_minor <> 6)');
  refunds = await store.partition('rzp.refunds.v1', 0);
  quarantine = await store.partition('rzp.quarantine.v1', 0);
  commands = openDakia({ DATABASE_URL: store.url });
  folder = mkdtempSync(join(tmpdir(), 'dakia-pending-'));
});
afterAll(async () => {
  await commands.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const dakia: Dakia['run'] = (...args) => commands.run('--data-dir', folder, ...args);
const json: Dakia['json'] = (...args) => commands.json('--data-dir', folder, ...args);
const refund = (id: string, key: string, amount: number) =>
  testEvent('refund.created', id, key, { payment_id: 'pay_1', amount, notes: { name: 'Ms Person' } });
const keysOf = (entries: unknown) => (entries as readonly { readonly key: string }[]).map(({ key }) => key);
const audit = (action: string) =>
  store.rows('SELECT actor, entity_key AS key, reason FROM audit_logs WHERE action = $1 ORDER BY id', [action]);
/** Uses up the attempts of a parked key. */
const letDie = async (key: string): Promise<void> => {
  await store.rows('UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key = $1', [key]);
  const outcome = await wakeParked(
    { database: store.database, aggregates: allAggregates, policy: { delaysMs: [] }, actor: 'test' },
    { family: 'refunds', key },
  );
  expect(outcome).toMatchObject({ dead: 1 });
};

describe('parked', () => {
  beforeAll(async () => {
    await refunds.send(
      refund('one', 'rfnd_a', 5),
      refund('two', 'rfnd_b', 6),
      refund('three', 'rfnd_c', 6),
      testEvent('refund.processed', 'four', 'rfnd_c', { amount: 6 }),
    );
    await store.rows(`UPDATE parked_keys SET parked_at = now() - interval '3 hours' WHERE entity_key = 'rfnd_a'`);
  });

  test('is listed with what it waits for; every filter leaves out what it should', async () => {
    expect((await dakia('parked', 'list')).stdout).toMatch(
      /refunds +rfnd_c +2 +1 .*\n {4}.* three +new row for relation\n.*\n.*never_six/,
    );
    const listed = async (...filter: readonly string[]) => keysOf((await json('parked', 'list', ...filter))['parked']);
    expect(await listed()).toEqual(['rfnd_a', 'rfnd_b', 'rfnd_c']);
    expect(await listed('--cause', 'NEVER_six')).toEqual(['rfnd_b', 'rfnd_c']);
    expect(await listed('--key', 'rfnd_b', '--family', 'refunds', '--event', 'refund.created')).toEqual(['rfnd_b']);
    expect(await listed('--older-than', '2h')).toEqual(['rfnd_a']);
    expect(await listed('--newer-than', '2h')).toEqual(['rfnd_b', 'rfnd_c']);
    expect(await listed('--older-than', '2h', '--newer-than', '4h')).toEqual(['rfnd_a']);
    expect(await listed('--event', 'refund.processed')).toEqual([]);
    expect((await dakia('parked', 'list', '--limit', '1')).stdout).toMatch(
      /rfnd_a.*\nthe first 1; --limit shows more\n$/s,
    );
    expect(await dakia('parked', 'list', '--family', 'disputes')).toEqual({
      code: 0,
      stdout: 'no parked keys match\n',
      stderr: '',
    });
  });

  test('is shown with all that is known; the body only on demand', async () => {
    const shown = await dakia('parked', 'show', '--key', 'rfnd_c');
    expect(shown).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /waiting +2\n[^]*the event that fails:[^]*eventId +three[^]*behind it:[^]*four +refund\.processed/,
      ) as string,
    });
    expect(shown.stdout).not.toContain('Ms Person');
    expect((await dakia('parked', 'show', '--key', 'rfnd_c', '--body')).stdout).toContain('Ms Person');
    expect(JSON.stringify(await json('parked', 'show', '--key', 'rfnd_c'))).not.toMatch(/Ms Person|rawBody/);
    expect(await json('parked', 'show', '--key', 'rfnd_c', '--body')).toMatchObject({
      parked: [
        {
          key: 'rfnd_c',
          head: { eventId: 'three', body: expect.stringContaining('Ms Person') as string },
          behind: [{ eventId: 'four' }],
        },
      ],
    });
    expect(await dakia('parked', 'show', '--key', 'rfnd_x')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'dakia: no parked keys match rfnd_x\n',
    });
  });

  test('is exported in its order, bodies exactly, to stdout or to a file of which nobody else can read', async () => {
    const output = join(folder, 'parked.jsonl');
    expect(await json('parked', 'export', '--output', output)).toEqual({ ok: true, exported: 4, output });
    expect(statSync(output).mode & 0o777).toBe(0o600);
    const lines = readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly eventId: string; readonly body: string });
    expect(lines.map(({ eventId }) => eventId)).toEqual(['one', 'two', 'three', 'four']);
    const first = refund('one', 'rfnd_a', 5);
    expect(lines[0]?.body).toBe(first.ok ? Buffer.from(first.value.rawBody).toString() : '');
    expect(await dakia('parked', 'export', '--output', output)).toMatchObject({
      code: 2,
      stderr: `${output} is there already; give the name of a new file.\n`,
    });
    expect(await dakia('parked', 'export', '--output', join(folder, 'no', 'such'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be written') as string,
    });
    expect(await dakia('parked', 'export', '--json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--json needs --output') as string,
    });
    const printed = await dakia('parked', 'export', '--cause', 'never_five');
    expect(printed).toMatchObject({ code: 0, stderr: '1 exported\n' });
    expect(JSON.parse(printed.stdout)).toMatchObject({
      eventId: 'one',
      reason: expect.stringContaining('never_five') as string,
    });
  });

  test('a bulk retry shows what it would do and changes nothing; with --yes it is done, and who did it is kept', async () => {
    const before = await store.rows('SELECT * FROM parked_keys ORDER BY entity_key');
    const dry = await dakia('parked', 'retry', '--cause', 'never_six');
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(
      /count +family +event +cause\n +2 +refunds +refund\.created +new row [^]*never_six[^]*The first 2 of 2:\n[^]*two +refund\.created +rfnd_b[^]*2 parked keys would be retried\. Nothing was changed; give --yes to do it\.\n$/,
    );
    expect(await json('parked', 'retry', '--all')).toEqual(await json('parked', 'retry'));
    expect(await json('parked', 'retry')).toMatchObject({
      ok: true,
      executed: false,
      count: 3,
      groups: [{ count: 2, family: 'refunds' }, { count: 1 }],
    });
    expect(await store.rows('SELECT * FROM parked_keys ORDER BY entity_key')).toEqual(before);
    expect(await audit('parked.retry')).toEqual([]);

    await store.rows('ALTER TABLE payment_refunds DROP CONSTRAINT never_six');
    const done = await dakia('parked', 'retry', '--all', '--yes', '--who', 'asha', '--reason', 'fixed in 2.0');
    expect(done).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /refunds rfnd_a: applied 0, still parked: .*never_five[^]*refunds rfnd_c: applied 2, nothing waits any more\n2 of 3 parked keys retried\n$/,
      ) as string,
    });
    expect(await audit('parked.retry')).toEqual(
      ['rfnd_a', 'rfnd_b', 'rfnd_c'].map((key) => ({ actor: 'operator:asha', key, reason: 'fixed in 2.0' })),
    );
    expect(await store.rows('SELECT refund_id FROM payment_refunds ORDER BY 1')).toEqual([
      { refund_id: 'rfnd_b' },
      { refund_id: 'rfnd_c' },
    ]);
  });

  test('a discard needs a reason, gives up the failing event alone, and is on record', async () => {
    expect(await dakia('parked', 'discard', '--key', 'rfnd_a', '--yes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("required option '--reason <text>'") as string,
    });
    expect(await dakia('parked', 'discard', '--key', 'rfnd_a', '--yes', '--reason', ' ')).toMatchObject({ code: 2 });
    expect(await dakia('parked', 'discard', '--key', 'rfnd_a', '--reason', 'nonsense')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('would be discarded') as string,
    });
    expect(
      await json('parked', 'discard', '--key', 'rfnd_a', '--reason', 'nonsense', '--who', 'asha', '--yes'),
    ).toMatchObject({ ok: true, executed: true, results: [{ key: 'rfnd_a', kind: 'unparked', applied: 0, dead: 1 }] });
    expect(await audit('parked.discard')).toEqual([{ actor: 'operator:asha', key: 'rfnd_a', reason: 'nonsense' }]);
    expect(await json('parked', 'list')).toEqual({ ok: true, parked: [] });
    expect(await json('dead', 'list')).toEqual({ ok: true, dead: [] });
    expect(await dakia('parked', 'retry', '--all', '--yes')).toEqual({
      code: 0,
      stdout: 'there are no parked keys\n',
      stderr: '',
    });
    expect(await dakia('parked', 'retry', '--key', 'rfnd_a', '--yes')).toEqual({
      code: 1,
      stdout: 'no parked keys match\n',
      stderr: '',
    });
  });
});

describe('dead', () => {
  beforeAll(async () => {
    await refunds.send(refund('d1', 'rfnd_d', 5), refund('d2', 'rfnd_e', 5), refund('d3', 'rfnd_f', 5));
    for (const key of ['rfnd_d', 'rfnd_e', 'rfnd_f']) await letDie(key);
  });

  test('is listed, shown and exported', async () => {
    expect(keysOf((await json('dead', 'list', '--event', 'refund.created'))['dead'])).toEqual([
      'rfnd_d',
      'rfnd_e',
      'rfnd_f',
    ]);
    expect((await dakia('dead', 'list', '--key', 'rfnd_e')).stdout).toMatch(
      /^event id .*\n {4}reason\nd2 +refund\.created +rfnd_e +2 .*\n {4}new row for .*\n {4}.*never_five/,
    );
    expect(await dakia('dead', 'list', '--older-than', '1d')).toMatchObject({
      stdout: 'no dead letters match\n',
    });
    const shown = await dakia('dead', 'show', '--key', 'rfnd_e');
    expect(shown.stdout).toMatch(
      /eventId +d2\n[^]*topic +rzp\.refunds\.v1\npartition +0\noffset +\d+\n[^]*what happened to this entity[^]*event\.dead/,
    );
    expect(shown.stdout).not.toContain('Ms Person');
    expect(await json('dead', 'show', '--event-id', 'd2', '--body')).toMatchObject({
      dead: [{ key: 'rfnd_e', body: expect.stringContaining('Ms Person') as string }],
    });
    expect(await dakia('dead', 'show')).toMatchObject({ code: 2, stderr: 'Give --key or --event-id, one of them.\n' });
    expect(await dakia('dead', 'show', '--event-id', 'none')).toMatchObject({
      code: 1,
      stderr: 'dakia: no dead letters match none\n',
    });
    const exported = await dakia('dead', 'export', '--family', 'refunds');
    expect(
      exported.stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { eventId: string }).eventId),
    ).toEqual(['d1', 'd2', 'd3']);
  });

  test('is discarded on record, and retried once what refused it is mended', async () => {
    expect(await json('dead', 'discard', '--key', 'rfnd_d', '--reason', 'test data')).toMatchObject({
      executed: false,
      count: 1,
    });
    expect(
      await dakia('dead', 'discard', '--key', 'rfnd_d', '--reason', 'test data', '--who', 'asha', '--yes'),
    ).toEqual({ code: 0, stdout: 'd1: closed\n1 of 1 dead letters discarded\n', stderr: '' });
    expect(await audit('dead.discard')).toEqual([{ actor: 'operator:asha', key: 'rfnd_d', reason: 'test data' }]);

    expect(await dakia('dead', 'retry', '--key', 'rfnd_e', '--yes')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^d2: refunds rfnd_e: applied 0, still parked: .*never_five/) as string,
    });
    await store.rows('ALTER TABLE payment_refunds DROP CONSTRAINT never_five');
    expect(await json('dead', 'retry', '--all')).toMatchObject({
      executed: false,
      count: 1,
      first: [{ eventId: 'd3' }],
    });
    expect(await json('dead', 'retry', '--all', '--yes', '--who', 'asha', '--reason', 'mended')).toMatchObject({
      ok: true,
      executed: true,
      results: [{ eventId: 'd3', kind: 'unparked', applied: 1 }],
    });
    expect(await audit('dead.retry')).toContainEqual({ actor: 'operator:asha', key: 'rfnd_f', reason: 'mended' });
    expect(await json('dead', 'list')).toEqual({ ok: true, dead: [] });
  });
});

describe('quarantine', () => {
  const unknown = (id: string, body?: Buffer): Parsed<Envelope> => {
    const known = refund(id, `rfnd_${id}`, 9);
    return known.ok
      ? {
          ok: true,
          value: {
            ...known.value,
            kind: 'quarantine',
            event: 'refund.created',
            reason: 'unknown-event',
            rawBody: body ?? known.value.rawBody,
          },
        }
      : known;
  };
  beforeAll(
    async () =>
      void (await quarantine.send(
        unknown('q1'),
        unknown('q2'),
        unknown('q3', Buffer.from('{"event":"no.such","payload":{}}')),
        unknown('q4', Buffer.from([0x3c, 0xff])),
      )),
  );

  test('is listed, shown with what it would be today, and exported', async () => {
    expect((await json('quarantine', 'list', '--cause', 'unknown'))['quarantined']).toMatchObject([
      { eventId: 'q1' },
      { eventId: 'q2' },
      { eventId: 'q3' },
      { eventId: 'q4' },
    ]);
    expect(await dakia('quarantine', 'list', '--event', 'no.such.event')).toEqual({
      code: 0,
      stdout: 'no quarantined events match\n',
      stderr: '',
    });
    expect((await dakia('quarantine', 'show', '--event-id', 'q1')).stdout).toMatch(
      /reason +unknown-event\n[^]*code +DAKIA_QUARANTINE_UNKNOWN_EVENT\n[^]*today +understood: refunds rfnd_q1\n/,
    );
    expect(await json('quarantine', 'show', '--event-id', 'q4', '--body')).toMatchObject({
      quarantined: { bodyBase64: 'PP8=', bodyBytes: 2, today: 'not understood: not-json' },
    });
    expect(await dakia('quarantine', 'show', '--event-id', 'none')).toMatchObject({
      code: 1,
      stderr: 'dakia: no quarantined events match none\n',
    });
    expect((await dakia('quarantine', 'export')).stdout.trimEnd().split('\n')).toHaveLength(4);
  });

  test('a replay shows what is understood today, and what is left; with --yes it is applied', async () => {
    const left = [
      { reason: 'unknown-event', count: 1 },
      { reason: 'not-json', count: 1 },
    ];
    expect(await json('quarantine', 'replay', '--all')).toMatchObject({
      ok: true,
      executed: false,
      count: 2,
      groups: [{ family: 'refunds', event: 'refund.created', cause: 'unknown-event', count: 2 }],
      left,
    });
    expect(await json('quarantine', 'replay', '--family', 'disputes')).toMatchObject({ ok: false, count: 0 });
    expect(
      await json('quarantine', 'replay', '--key', 'rfnd_q1', '--yes', '--who', 'asha', '--reason', 'new row'),
    ).toMatchObject({ ok: true, results: [{ eventId: 'q1', kind: 'unparked', applied: 1 }], left });
    expect(await audit('quarantine.replay')).toEqual([{ actor: 'operator:asha', key: 'rfnd_q1', reason: 'new row' }]);
    expect((await dakia('quarantine', 'replay', '--all', '--yes')).stdout).toMatch(
      /  1 done meanwhile: q1 of rzp\.quarantine\.v1\/0@0\nq2: refunds rfnd_q2: applied 1, nothing waits any more\n1 of 1 quarantined events .* replayed; 1 done meanwhile\nleft where they are: 1 \(unknown-event\)\nleft where they are: 1 \(not-json\)\n$/,
    );
    expect(
      await store.rows(`SELECT razorpay_event_id AS id FROM webhook_events WHERE verdict = 'quarantined' ORDER BY 1`),
    ).toEqual([{ id: 'q3' }, { id: 'q4' }]);
  });
});

test.each([
  [['parked', 'list', '--family', 'no-such'], 'Allowed choices are'],
  [['dead', 'list', '--event', 'no.such'], 'The catalogue has no such event; docs/events.md has those there are.'],
  [['parked', 'list', '--older-than', '2 weeks'], 'Give a time such as 90s, 30m, 2h or 1d'],
  [['parked', 'list', '--older-than', '0s'], 'Give a time such as'],
  [['dead', 'list', '--older-than', '1d', '--newer-than', '2h'], '--older-than and --newer-than exclude each other'],
  [
    ['dead', 'retry', '--family', 'refunds', '--event', 'payment.captured'],
    '--family refunds and --event payment.captured exclude each other: that event is of the family payments.',
  ],
  [['parked', 'retry', '--all', '--family', 'refunds'], '--all and a filter exclude each other'],
  [['dead', 'retry', '--yes'], 'Say which: give a filter such as --family, --event, --key or --cause, or --all.'],
  [['dead', 'replay', '--all'], 'Give --from-kafka'],
  [['quarantine', 'replay', '--from-kafka', '--older-than', '1d'], '--from-kafka excludes --older-than'],
  [['parked', 'list', '--limit', '0'], 'Give a whole number from 1'],
] as const)('dakia %j is refused in one sentence', async (args, sentence) => {
  const { code, stdout, stderr } = await dakia(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(sentence);
});

test('bodies under taken ids are listed with the id that they are kept as', async () => {
  expect(await dakia('conflicts', 'list')).toEqual({ code: 0, stdout: 'there are no conflicts\n', stderr: '' });
  await refunds.send(refund('taken', 'rfnd_t1', 1));
  await refunds.send(refund('taken', 'rfnd_t2', 2));
  const conflict = {
    eventId: 'taken',
    family: 'refunds',
    key: 'rfnd_t2',
    keptAs: expect.stringMatching(/^sha256\./) as string,
  };
  expect(await json('conflicts', 'list')).toMatchObject({ ok: true, conflicts: [conflict] });
  expect(
    await json('conflicts', 'list', '--event-id', 'take', '--family', 'refunds', '--key', 'rfnd_t2'),
  ).toMatchObject({
    conflicts: [conflict],
  });
  expect((await dakia('conflicts', 'list')).stdout).toMatch(
    /^event id [^]*\ntaken +refund.created +rfnd_t2 [^]* sha256\./,
  );
  expect((await dakia('conflicts', 'list', '--key', 'rfnd_t1')).stdout).toBe('no conflicts match\n');
});
