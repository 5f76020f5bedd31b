import { Writable } from 'node:stream';
import type { PoolClient } from 'pg';
import { sent } from './sent.ts';

/** A connection that notes what each of its system calls would write. */
const connection = () => {
  const calls: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      calls.push(text);
      done();
    },
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join(' '));
      done();
    },
  });
  const client = { connection: { stream }, query: async ({ text }: { text: string }) => void stream.write(text) };
  return { client: client as unknown as PoolClient, calls };
};
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('the statements of one turn are one write, those that their answers lead to are the next', async () => {
  const { client, calls } = connection();
  const begun = [sent(client, { text: 'BEGIN' }), sent(client, { text: 'lock' }), sent(client, { text: 'find' })];
  expect(calls).toEqual([]);
  await Promise.all(begun);
  await turn();
  expect(calls).toEqual(['BEGIN lock find']);
  await Promise.all(['write', 'tell'].map((text) => sent(client, { text })));
  await turn();
  await sent(client, { text: 'COMMIT' });
  await turn();
  expect(calls).toEqual(['BEGIN lock find', 'write tell', 'COMMIT']);
});
