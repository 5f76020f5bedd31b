import { getEventListeners } from 'node:events';
import { pause } from './pause.ts';

test('a pause ends by itself, and leaves no listener behind', async () => {
  const { signal } = new AbortController();
  const began = performance.now();
  await pause(20, signal);
  // Node's timers count whole ms.
  expect(performance.now() - began).toBeGreaterThanOrEqual(19);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a signal ends it at once, without an error, also one that was given before', async () => {
  const stopping = new AbortController();
  const paused = pause(600_000, stopping.signal);
  stopping.abort();
  await paused;
  await pause(600_000, stopping.signal);
});

test('one that the process need not live on for keeps nothing alive', async () => {
  const stopping = new AbortController();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const paused = pause(600_000, stopping.signal, { ref: false });
  expect(timers()).toBe(before);
  stopping.abort();
  await paused;
});
