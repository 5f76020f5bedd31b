import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { route } from '#catalogue';
import { allAggregates } from '#families';
import {
  discardDead,
  discardParked,
  listDead,
  listParked,
  listQuarantined,
  replayQuarantined,
  retryDead,
  retryParked,
} from '#operate';
import { wakeParked } from '#parking';
import type { ParkedOptions } from '#parking';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';

/** Operators act on what they were shown, whoever else is at work meanwhile. The machine may be busy with others. */
jest.setTimeout(60_000);

/** Runs of each pair: either may be first. */
const RACES = 8;
const policy = { delaysMs: [60_000, 60_000, 60_000] };
const asha = { who: 'asha', reason: 'looked at it' };
const ravi = { who: 'ravi', reason: 'looked too' };

let store: TestStore;
let refunds: TestPartition;
let quarantine: TestPartition;
let folder: string;
let commands: Dakia;
let options: ParkedOptions;

beforeAll(async () => {
  store = await openTestStore('refunds', allAggregates);
  await store.rows('ALTER TABLE payment_refunds ADD CONSTRAINT never_five CHECK (amount_minor <> 5)');
  refunds = await store.partition('rzp.refunds.v1', 0);
  quarantine = await store.partition('rzp.quarantine.v1', 0);
  commands = openDakia({ DATABASE_URL: store.url });
  folder = mkdtempSync(join(tmpdir(), 'dakia-shown-'));
  options = { database: store.database, aggregates: allAggregates, policy };
});
afterAll(async () => {
  await commands.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const dakia: Dakia['run'] = (...args) => commands.run('--data-dir', folder, ...args);
const json: Dakia['json'] = (...args) => commands.json('--data-dir', folder, ...args);
const refund = (id: string, key: string, amount = 5) =>
  testEvent('refund.created', id, key, { payment_id: 'pay_1', amount });
const park = async (key: string, ...more: readonly string[]) =>
  void (await refunds.send(...[`${key}_1`, ...more].map((id) => refund(id, key))));
const refOf = (key: string) => ({ family: 'refunds', key }) as const;
const makeDue = (key: string) =>
  store.rows('UPDATE parked_keys SET next_attempt_at = now() WHERE entity_key = $1', [key]);
const wake = async (key: string) => wakeParked({ ...options, actor: 'worker' }, refOf(key));
const letDie = async (key: string) => {
  await makeDue(key);
  expect(await wakeParked({ ...options, policy: { delaysMs: [] }, actor: 'worker' }, refOf(key))).toMatchObject({
    dead: 1,
  });
};
const verdicts = async (key: string) =>
  (
    await store.rows<{ id: string; verdict: string }>(
      'SELECT razorpay_event_id AS id, verdict FROM webhook_events WHERE entity_key = $1 ORDER BY 1',
      [key],
    )
  ).map(({ id, verdict }) => `${id} ${verdict}`);
const actions = async (key: string) =>
  (
    await store.rows<{ did: string }>(
      `SELECT actor || ' ' || action AS did FROM audit_logs WHERE entity_key = $1 AND actor LIKE 'operator:%'
        ORDER BY id`,
      [key],
    )
  ).map(({ did }) => did);
const headOf = async (key: string) => (await listParked(store.database, { key }))[0]!;
const deathOf = async (key: string) => (await listDead(store.database, { key }))[0]!;

describe('the acting SQL refuses what is not as it was shown', () => {
  test.each([
    ['retry', retryParked],
    ['discard', discardParked],
  ] as const)('parked %s', async (name, act) => {
    const key = `rfnd_head_${name}`;
    await park(key, `${key}_2`);
    const shown = await headOf(key);
    await makeDue(key);
    await wake(key);
    expect(await act(options, refOf(key), asha, shown)).toEqual({
      kind: 'changed',
      now: { failingEventId: `${key}_1`, attempts: 2 },
    });
    await discardParked(options, refOf(key), ravi);
    expect(await act(options, refOf(key), asha, shown)).toMatchObject({
      kind: 'changed',
      now: { failingEventId: `${key}_2` },
    });
    expect(await verdicts(key)).toEqual([`${key}_1 dead`, `${key}_2 parked`]);
    expect(await actions(key)).toEqual(['operator:ravi parked.discard']);
    await discardParked(options, refOf(key), ravi);
    expect(await act(options, refOf(key), asha, shown)).toEqual({ kind: 'not-parked' });
  });

  test.each([
    ['retry', retryDead],
    ['discard', discardDead],
  ] as const)('dead %s: a letter that was retried and died again is another one', async (name, act) => {
    const key = `rfnd_again_${name}`;
    await park(key);
    await letDie(key);
    const shown = await deathOf(key);
    await retryDead(options, shown.eventId, ravi);
    await letDie(key);
    const again = await deathOf(key);
    expect(await act(options, shown.eventId, asha, shown)).toEqual({
      kind: 'changed',
      now: { deadAt: again.deadAt, attempts: again.attempts },
    });
    expect(await verdicts(key)).toEqual([`${key}_1 dead`]);
    expect(await actions(key)).toEqual(['operator:ravi dead.retry']);
  });

  test('a letter that another operator has closed is not revived', async () => {
    await park('rfnd_closed');
    await letDie('rfnd_closed');
    const shown = await deathOf('rfnd_closed');
    await discardDead(options, shown.eventId, ravi);
    expect(await retryDead(options, shown.eventId, asha, shown)).toEqual({ kind: 'not-dead' });
    expect(await verdicts('rfnd_closed')).toEqual(['rfnd_closed_1 dead']);
  });
});

/** Of two that act on one thing at once, and what is allowed to have been done. */
const race = async (
  first: () => Promise<{ readonly kind: string }>,
  second: () => Promise<{ readonly kind: string }>,
  allowed: readonly string[],
) => {
  const ended = (await Promise.all([first(), second()])).map(({ kind }) => kind).join(' + ');
  expect(allowed).toContain(ended);
};

describe('two at once end as one of the two orders', () => {
  const runs = Array.from({ length: RACES }, (_, run) => run);

  test.each(runs)('dead: discard and retry (%i)', async (run) => {
    const key = `rfnd_dr_${run}`;
    await park(key);
    await letDie(key);
    const shown = await deathOf(key);
    await race(
      () => discardDead(options, shown.eventId, asha, shown),
      () => retryDead(options, shown.eventId, ravi, shown),
      ['discarded + not-dead', 'not-dead + parked'],
    );
    expect(await actions(key)).toHaveLength(1);
    const wasRetried = (await actions(key))[0] === 'operator:ravi dead.retry';
    expect(await verdicts(key)).toEqual([`${key}_1 ${wasRetried ? 'parked' : 'dead'}`]);
  });

  test.each(runs)('dead: the same by two operators (%i)', async (run) => {
    for (const [name, act] of [
      ['retry', retryDead],
      ['discard', discardDead],
    ] as const) {
      const key = `rfnd_two_${name}_${run}`;
      await park(key);
      await letDie(key);
      const shown = await deathOf(key);
      const done = name === 'retry' ? 'parked' : 'discarded';
      await race(
        () => act(options, shown.eventId, asha, shown),
        () => act(options, shown.eventId, ravi, shown),
        [`${done} + not-dead`, `not-dead + ${done}`],
      );
      expect(await actions(key)).toHaveLength(1);
    }
  });

  test.each(runs)(
    'parked: two operators discard; the event behind the head, which nobody saw, stays (%i)',
    async (run) => {
      const key = `rfnd_dd_${run}`;
      await park(key, `${key}_2`);
      const shown = await headOf(key);
      await race(
        () => discardParked(options, refOf(key), asha, shown),
        () => discardParked(options, refOf(key), ravi, shown),
        ['parked + changed', 'changed + parked'],
      );
      expect(await verdicts(key)).toEqual([`${key}_1 dead`, `${key}_2 parked`]);
      expect(await actions(key)).toHaveLength(1);
    },
  );

  test.each(runs)('parked: one retries, the other discards (%i)', async (run) => {
    const key = `rfnd_rd_${run}`;
    await park(key, `${key}_2`);
    const shown = await headOf(key);
    await race(
      () => retryParked(options, refOf(key), asha, shown),
      () => discardParked(options, refOf(key), ravi, shown),
      ['parked + changed', 'changed + parked', 'parked + parked'],
    );
    expect((await verdicts(key))[1]).toBe(`${key}_2 parked`);
  });

  test.each(runs)('parked: an operator discards while a worker tries (%i)', async (run) => {
    const key = `rfnd_dw_${run}`;
    await park(key, `${key}_2`);
    const shown = await headOf(key);
    await makeDue(key);
    const [discarded] = await Promise.all([discardParked(options, refOf(key), asha, shown), wake(key)]);
    const wasFirst = discarded.kind !== 'changed';
    expect(await verdicts(key)).toEqual([`${key}_1 ${wasFirst ? 'dead' : 'parked'}`, `${key}_2 parked`]);
    expect(await actions(key)).toHaveLength(wasFirst ? 1 : 0);
  });

  test.each(runs)('quarantine: two operators replay (%i)', async (run) => {
    const id = `q_${run}`;
    const known = refund(id, `rfnd_q_${run}`, 9);
    await quarantine.send(
      known.ok
        ? { ok: true, value: { ...known.value, kind: 'quarantine', event: 'refund.created', reason: 'unknown-event' } }
        : known,
    );
    const shown = (await listQuarantined(store.database)).find(({ eventId }) => eventId === id)!;
    await race(
      () => replayQuarantined(options, id, asha, route, shown),
      () => replayQuarantined(options, id, ravi, route, shown),
      ['unparked + not-quarantined', 'not-quarantined + unparked'],
    );
    expect(await verdicts(`rfnd_q_${run}`)).toEqual([`${id} applied`]);
  });
});

describe('--yes after a dry run', () => {
  beforeAll(async () => {
    await store.rows('DELETE FROM parked_keys');
    await store.rows(`UPDATE webhook_events SET verdict = 'rejected', processed = true WHERE verdict = 'parked'`);
  });

  test('leaves alone what has changed and what is new, says so with counts, and does not mind what is done already', async () => {
    await park('rfnd_a', 'rfnd_a_2');
    await park('rfnd_b');
    await park('rfnd_c');
    expect(await dakia('parked', 'discard', '--all', '--reason', 'nonsense')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 parked keys would be discarded') as string,
    });
    const [file] = readdirSync(join(folder, 'shown'));
    expect(statSync(join(folder, 'shown', file!)).mode & 0o777).toBe(0o600);
    await discardParked(options, refOf('rfnd_a'), ravi);
    await discardParked(options, refOf('rfnd_b'), ravi);
    await park('rfnd_d');

    const { code, stdout } = await dakia('parked', 'discard', '--all', '--reason', 'nonsense', '--yes');
    expect(stdout).toMatch(/^Since this was shown at /);
    expect(stdout).toContain(
      '  refunds rfnd_a: was event rfnd_a_1 after 1 attempts, is event rfnd_a_2 after 1 attempts\n' +
        '  1 changed and left alone\n',
    );
    expect(stdout).toContain('  1 new and left alone: refunds rfnd_d\n  1 done meanwhile: refunds rfnd_b\n');
    expect(stdout).toContain('1 of 1 parked keys discarded; 1 done meanwhile; 1 changed and left alone\n');
    expect(code).toBe(1);
    const left = async () => [await verdicts('rfnd_a'), await verdicts('rfnd_c'), await verdicts('rfnd_d')];
    const asShown = [['rfnd_a_1 dead', 'rfnd_a_2 parked'], ['rfnd_c_1 dead'], ['rfnd_d_1 parked']];
    expect(await left()).toEqual(asShown);

    // The same line once more: what was left alone has still been seen by nobody.
    expect(await json('parked', 'discard', '--all', '--reason', 'nonsense', '--yes')).toMatchObject({
      ok: false,
      counts: { done: 0, changed: 1 },
      changes: { added: ['refunds rfnd_d'] },
    });
    expect(await left()).toEqual(asShown);
    await dakia('parked', 'discard', '--all', '--reason', 'nonsense');
    expect(await json('parked', 'discard', '--all', '--reason', 'nonsense', '--yes')).toMatchObject({
      ok: true,
      counts: { done: 2 },
    });
    expect(await json('parked', 'discard', '--all', '--reason', 'nonsense', '--yes')).not.toHaveProperty('changes');
  });

  test('when somebody else has done all of it, that is no error', async () => {
    await park('rfnd_e');
    await letDie('rfnd_e');
    expect(await json('dead', 'retry', '--key', 'rfnd_e')).toMatchObject({ executed: false, count: 1 });
    await discardDead(options, 'rfnd_e_1', ravi);
    expect(await json('dead', 'retry', '--key', 'rfnd_e', '--yes')).toMatchObject({
      ok: true,
      executed: true,
      counts: { done: 0, meanwhile: 1, changed: 0, failed: 0 },
      changes: { gone: [expect.stringContaining('rfnd_e_1')] },
    });
    expect(await verdicts('rfnd_e')).toEqual(['rfnd_e_1 dead']);
  });

  test('erase leaves everything when rows have come, says which, and erases once they were shown', async () => {
    const erase = ['erase', '--entity', 'rfnd_erase', '--reason', 'request 17'];
    await refunds.send(refund('rfnd_erase_1', 'rfnd_erase', 9));
    expect((await dakia(...erase)).stdout).toContain('nothing was changed; --yes does it');
    await refunds.send(testEvent('refund.processed', 'rfnd_erase_2', 'rfnd_erase', { payment_id: 'pay_1', amount: 9 }));
    const { code, stdout } = await dakia(...erase, '--yes');
    expect(stdout).toMatch(/^Since this was shown at /);
    expect(stdout).toMatch(/ {2}webhook_events: was 1 rows \([0-9a-f]{16}\), is 2 rows \([0-9a-f]{16}\)\n/);
    expect(stdout).toContain('Nothing was erased');
    expect(code).toBe(1);
    expect(await json(...erase, '--yes')).toMatchObject({ ok: false, executed: false });
    const left = () => store.rows("SELECT 1 FROM webhook_events WHERE entity_key = 'rfnd_erase' AND payload <> ''");
    expect(await left()).toHaveLength(2);
    await dakia(...erase);
    expect(await json(...erase, '--yes')).toMatchObject({ ok: true, executed: true, rows: { webhook_events: 2 } });
    expect(await left()).toEqual([]);
  });

  test('ledger recount takes only as many as it has shown', async () => {
    const recount = 'ledger recount --group refunds --topic rzp.refunds.v1 --partition 0 --reason lost'.split(' ');
    await refunds.send(refund('rfnd_lost_1', 'rfnd_lost', 9), refund('rfnd_lost_2', 'rfnd_lost', 9));
    const before = (await json(...recount))['missing'] as number;
    await dakia(...recount);
    await store.rows("DELETE FROM webhook_events WHERE razorpay_event_id = 'rfnd_lost_1'");
    expect(await dakia(...recount, '--yes')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`; shown were ${before} events that are counted and not there, `) as string,
    });
    expect(await json(...recount, '--yes')).toMatchObject({ ok: false, executed: false });
    expect(await json(...recount)).toMatchObject({ executed: false, missing: before + 1 });
    expect(await json(...recount, '--yes')).toMatchObject({ ok: true, executed: true, missing: before + 1 });
    expect(await json(...recount)).toMatchObject({ missing: 0 });
  });

  test('partitions retire drops only those that are as they were shown', async () => {
    for (const day of ['01', '02'])
      await store.rows(`CREATE TABLE webhook_events_202001${day} PARTITION OF webhook_events
        FOR VALUES FROM ('2020-01-${day}T00:00:00Z') TO ('2020-01-${day}T24:00:00Z')`);
    const fill = async (id: string, day: string) => {
      await refunds.send(
        testEvent('refund.created', id, `rfnd_${id}`, { payment_id: 'pay_1', amount: 9 }, Date.parse(day) / 1000),
      );
      await store.rows(`UPDATE webhook_events SET received_at = created_at WHERE razorpay_event_id = '${id}'`);
    };
    await fill('old_1', '2020-01-01');
    await fill('old_2', '2020-01-02');
    const kept = async () => {
      const found = await store.rows<{ id: string }>(
        "SELECT razorpay_event_id AS id FROM webhook_events WHERE razorpay_event_id LIKE 'old_%' ORDER BY 1",
      );
      return found.map(({ id }) => id);
    };
    await dakia('partitions', 'retire');
    await fill('old_3', '2020-01-02');
    const { code, stdout } = await dakia('partitions', 'retire', '--execute');
    expect(stdout).toMatch(/webhook_events_20200101 .* dropped\n/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'stays: it has changed: 1 rows, 0 parked, 0 quarantined or dead were shown',
    );
    expect(stdout).toContain('Run it without --execute to see what there is now.');
    expect(code).toBe(1);
    expect(await kept()).toEqual(['old_2', 'old_3']);
    await dakia('partitions', 'retire');
    expect(await json('partitions', 'retire', '--execute')).toMatchObject({ ok: true, executed: true });
    expect(await kept()).toEqual([]);
  });
});
