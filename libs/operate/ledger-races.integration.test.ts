import { rebaseLedger } from '#apply';
import { allAggregates } from '#families';
import { openTestStore, TEST_CLUSTER, testEvent } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { recountLedger } from './recount.ts';

/** Whoever decides about a partition at the same time as another ends as one of the two orders. */
jest.setTimeout(30_000);

/** Runs of each pair: either may be first. */
const RACES = 8;
const asha = { who: 'asha', reason: 'looked at it' };
const ravi = { who: 'ravi', reason: 'looked too' };

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore('refunds', allAggregates);
});
afterAll(async () => store.close());

const refund = (id: string, key: string) => testEvent('refund.created', id, key, { payment_id: 'pay_1', amount: 9 });
const race = async (
  first: () => Promise<{ readonly kind: string }>,
  second: () => Promise<{ readonly kind: string }>,
  allowed: readonly string[],
) => expect(allowed).toContain((await Promise.all([first(), second()])).map(({ kind }) => kind).join(' + '));

const runs = Array.from({ length: RACES }, (_, run) => run);
const at = (offset: bigint) => ({ clusterId: TEST_CLUSTER, offset });
const open = async (number: number) => {
  const key = { group: 'refunds', topic: 'rzp.refunds.v1', partition: number };
  const { send } = await store.partition(key.topic, number);
  await send(refund(`rfnd_l_${number}_1`, `rfnd_l_${number}`));
  const rebase = async (to: bigint, by: typeof asha) =>
    rebaseLedger(store.database, key, { ...at(to), startOffset: 0n }, by, at(1n));
  return { key, send, rebase };
};
const decided = (action: string) =>
  store.rows("SELECT 1 FROM audit_logs WHERE action = $1 AND reason LIKE '%: looked%'", [action]);

test.each(runs)('two operators rebase, and one while the consumer goes on (%i)', async (run) => {
  const { rebase } = await open(100 + run);
  await race(
    () => rebase(0n, asha),
    () => rebase(0n, ravi),
    ['moved + there-already', 'there-already + moved'],
  );
  const apart = await open(200 + run);
  await race(
    () => apart.rebase(0n, asha),
    () => apart.rebase(7n, ravi),
    ['moved + changed', 'changed + moved'],
  );
  const going = await open(300 + run);
  const before = (await decided('ledger.rebase')).length;
  const [{ kind }, sent] = await Promise.all([
    going.rebase(7n, asha),
    going.send(refund(`rfnd_l_${run}_2`, `rfnd_l_${run}`)),
  ]);
  expect(['moved moved', 'changed applied']).toContain(`${kind} ${sent}`);
  expect(await decided('ledger.rebase')).toHaveLength(before + (kind === 'moved' ? 1 : 0));
});

test.each(runs)('two operators recount (%i)', async (run) => {
  const { key } = await open(400 + run);
  await store.rows('DELETE FROM webhook_events WHERE entity_key = $1', [`rfnd_l_${400 + run}`]);
  const shown = { missing: 1, surplus: 0 };
  const before = (await decided('ledger.recount')).length;
  const both = await Promise.all(
    [asha, ravi].map(async (by) => recountLedger(store.database, key, { ...by, execute: true, shown })),
  );
  expect(both.map(({ kind }) => kind)).toEqual(['counted', 'counted']);
  expect(await decided('ledger.recount')).toHaveLength(before + 1);
});
