import {
  asha,
  audit,
  BUG,
  byOperator,
  failed,
  parked,
  poison,
  ref,
  useParkedKeys,
  verdicts,
  wakeDue,
  fixture,
} from '../../test/kit/parked-keys.ts';
import { markPublished, unpublishedDeadLetters } from '../parking/dead-letters.ts';
import { discardDead, retryDead } from './operate-dead.ts';
import { discardParked, retryParked } from './operate-parked.ts';
import { listDead } from './pending-lists.ts';

useParkedKeys();

describe('an operator', () => {
  test('tries a key at once and gives it its whole schedule again', async () => {
    await fixture.partition.send(poison('i1', 'i'));
    await wakeDue('i');
    expect(await parked('i')).toMatchObject({ attempts: 2 });
    expect(await retryParked(byOperator(), ref('i'), asha)).toEqual({
      kind: 'parked',
      applied: 0,
      dead: 0,
      reason: BUG,
      afterMs: 60_000,
    });
    expect(await parked('i')).toMatchObject({ attempts: 1 });
    expect(await audit('i', 'parked.retry')).toEqual([
      { actor: 'operator:asha', id: 'i1', verdict: 'parked', reason: 'fixed' },
    ]);
  });

  test('gives an event up before its time; it is no dead letter that anybody has to look at', async () => {
    await fixture.partition.send(poison('j1', 'j'), failed('j2', 'j'));
    expect(await discardParked(byOperator(), ref('j'), { who: 'asha', reason: 'test data' })).toEqual({
      kind: 'unparked',
      applied: 1,
      dead: 1,
    });
    expect(await verdicts('j')).toEqual({ j1: 'dead', j2: 'applied' });
    expect(await listDead(fixture.operator, { key: 'j' })).toEqual([]);
    expect(
      await fixture.store.rows(
        "SELECT attempts, reason, resolution, resolved_by, resolved_reason FROM dead_letters WHERE entity_key = 'j'",
      ),
    ).toEqual([
      { attempts: 1, reason: BUG, resolution: 'discarded', resolved_by: 'asha', resolved_reason: 'test data' },
    ]);
    expect(await audit('j', 'parked.discard')).toEqual([
      { actor: 'operator:asha', id: 'j1', verdict: 'dead', reason: 'test data' },
    ]);
    expect(await unpublishedDeadLetters(fixture.worker, 'payments', 100)).not.toContainEqual(
      expect.objectContaining({ eventId: 'j1' }),
    );
  });

  test('puts a dead letter back: applied at once when the reason is gone', async () => {
    await fixture.partition.send(poison('k1', 'k'), failed('k2', 'k'));
    await wakeDue('k').then(() => wakeDue('k'));
    fixture.isBugThere = false;
    expect(await retryDead(byOperator(), 'k1', asha)).toEqual({
      kind: 'unparked',
      applied: 1,
      dead: 0,
      family: 'payments',
      key: 'k',
    });
    expect(await verdicts('k')).toEqual({ k1: 'applied', k2: 'applied' });
    expect(
      await fixture.store.rows(
        "SELECT resolution, resolved_by, resolved_reason FROM dead_letters WHERE entity_key = 'k'",
      ),
    ).toEqual([{ resolution: 'retried', resolved_by: 'asha', resolved_reason: 'fixed' }]);
    expect(await audit('k', 'dead.retry')).toEqual([
      { actor: 'operator:asha', id: 'k1', verdict: 'parked', reason: 'fixed' },
    ]);
    expect(await retryDead(byOperator(), 'k1', asha)).toEqual({ kind: 'not-dead' });
    expect(await discardDead(byOperator(), 'k1', asha)).toEqual({ kind: 'not-dead' });
  });

  test('puts a dead letter back too early: it goes through the schedule again, before those that wait, and dies again with its first failure known', async () => {
    await fixture.partition.send(poison('l1', 'l'), poison('l2', 'l'));
    await wakeDue('l').then(() => wakeDue('l'));
    const [first] = await listDead(fixture.operator, { key: 'l' });
    await fixture.worker.transaction(async (tx) =>
      markPublished(tx, await unpublishedDeadLetters(tx, 'payments', 100)),
    );
    expect(await retryDead(byOperator(), 'l1', asha)).toEqual({
      kind: 'parked',
      applied: 0,
      dead: 0,
      reason: BUG,
      afterMs: 60_000,
      family: 'payments',
      key: 'l',
    });
    expect(await parked('l')).toMatchObject({ failingEventId: 'l1', attempts: 1, waiting: 2 });
    expect(await listDead(fixture.operator, { key: 'l' })).toEqual([]);
    await wakeDue('l');
    expect(await wakeDue('l')).toMatchObject({ kind: 'parked', dead: 1 });
    const [again] = await listDead(fixture.operator, { key: 'l' });
    expect(again).toMatchObject({ eventId: 'l1', attempts: 3, publishedAt: null, firstFailedAt: first!.firstFailedAt });
    expect(again!.deadAt.getTime()).toBeGreaterThan(first!.deadAt.getTime());
  });

  test('closes a dead letter for good; its event may still be put back', async () => {
    await fixture.partition.send(poison('m1', 'm'));
    await wakeDue('m').then(() => wakeDue('m'));
    expect(await discardDead({ database: fixture.operator }, 'm1', { who: 'asha', reason: 'test data' })).toEqual({
      kind: 'discarded',
    });
    expect(await discardDead({ database: fixture.operator }, 'm1', asha)).toEqual({ kind: 'not-dead' });
    expect(await audit('m', 'dead.discard')).toEqual([
      { actor: 'operator:asha', id: 'm1', verdict: 'dead', reason: 'test data' },
    ]);
    fixture.isBugThere = false;
    expect(await retryDead(byOperator(), 'm1', asha)).toMatchObject({ kind: 'unparked', applied: 1 });
  });

  test('is told when there is no such dead letter', async () => {
    expect(await retryDead(byOperator(), 'nobody', asha)).toEqual({ kind: 'not-dead' });
    expect(await discardDead(byOperator(), 'nobody', asha)).toEqual({ kind: 'not-dead' });
  });
});
