import { allAggregates } from '#families';
import { openTestStore } from '../../../test/kit/test-store.ts';
import { takeFacts } from './outbox-store.ts';

/** The machine may be busy with other tests. */
jest.setTimeout(30_000);

test('urgent facts are taken before older ones of other families, the oldest first among them, and none is left out', async () => {
  const store = await openTestStore('outbox', allAggregates);
  try {
    await store.rows(
      `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
       SELECT family || '.fact', family || ':' || n, family, 'key_' || n, '{}'
         FROM unnest(ARRAY['payments', 'payments', 'later_release', 'payment_links', 'accounts', 'disputes', 'payments',
           'downtimes']) WITH ORDINALITY AS given (family, n)`,
    );
    const taken = async (limit: number) =>
      store.database.transaction(async (tx) =>
        (await takeFacts(tx, limit)).map(({ family, entityKey }) => `${family} ${entityKey}`),
      );
    const all = [
      'disputes key_6',
      'downtimes key_8',
      'accounts key_5',
      'payment_links key_4',
      'payments key_1',
      'payments key_2',
      'payments key_7',
      'later_release key_3',
    ];
    expect(await taken(100)).toEqual(all);
    expect(await taken(3)).toEqual(all.slice(0, 3));
  } finally {
    await store.close();
  }
});
