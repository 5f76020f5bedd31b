import { batchLoader } from './batch-loader.ts';

/** An answer from outside, at a moment the test chooses. */
const slow = () => {
  const calls: { readonly keys: readonly string[]; readonly answer: (refused?: Error) => void }[] = [];
  const work = (keys: readonly string[]): Promise<readonly string[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    calls.push({
      keys,
      answer: (refused) => (refused === undefined ? resolve(keys.map((key) => key.toUpperCase())) : reject(refused)),
    });
    return promise;
  };
  return { calls, work };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await turn();
};
const refusal = (code: string): Error => Object.assign(new Error('refused'), { code });

test('what is asked while a call is under way goes together in the next, within the bound', async () => {
  const { calls, work } = slow();
  const ask = batchLoader(work, 2);
  const first = ask('a');
  await turns();
  const rest = ['b', 'c', 'd'].map((key) => ask(key));
  await turns();
  expect(calls.map(({ keys }) => keys)).toEqual([['a']]);
  calls[0]?.answer();
  await turns();
  expect(calls.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c'], ['d']]);
  for (const call of calls) call.answer();
  expect(await Promise.all([first, ...rest])).toEqual(['A', 'B', 'C', 'D']);
});

test('the same key asked twice is answered twice: nothing is remembered', async () => {
  const { calls, work } = slow();
  const ask = batchLoader(work, 10);
  const [first] = [ask('a')];
  await turns();
  calls[0]?.answer();
  await first;
  const second = ask('a');
  await turns();
  expect(calls).toHaveLength(2);
  calls[1]?.answer();
  expect(await second).toBe('A');
});

test('one that Postgres cannot take does not spoil the others', async () => {
  const ask = batchLoader(async (keys: readonly string[]) => {
    if (keys.includes('bad')) throw refusal('22021');
    return keys;
  }, 10);
  const answers = await Promise.allSettled(['a', 'bad', 'b'].map((key) => ask(key)));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('while Postgres is away nobody is asked again one by one', async () => {
  let count = 0;
  const ask = batchLoader(async (): Promise<readonly string[]> => {
    count += 1;
    throw refusal('ECONNREFUSED');
  }, 10);
  const answers = await Promise.allSettled(['a', 'b'].map((key) => ask(key)));
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(count).toBe(1);
});
