import { inTurns } from './turns.ts';

test('of many who ask at once one goes on in each turn of the event loop, in order, and others come between', async () => {
  const turn = inTurns();
  const heard: string[] = [];
  const all = ['a', 'b', 'c'].map(async (name) => {
    await turn();
    heard.push(name);
  });
  const others = async (): Promise<void> => {
    for (let count = 0; count < 3; count += 1) {
      await new Promise((resolve) => void setImmediate(resolve));
      heard.push('-');
    }
  };
  await Promise.all([...all, others()]);
  expect(heard.filter((one) => one !== '-').join('')).toBe('abc');
  expect(heard.join('')).not.toMatch(/ab|bc/);
});
