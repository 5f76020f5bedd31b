import { inTime, TimedOut, until, within } from './within.ts';

const never = new Promise<never>(() => undefined);
const failing = () => Promise.reject(new Error('broken'));
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('what comes in time is given on, also a failure, and no timer is left behind', async () => {
  const before = timers();
  expect(await within(60_000, Promise.resolve(7))).toBe(7);
  expect(await inTime(60_000, Promise.resolve(7), 'late')).toBe(7);
  await expect(within(60_000, failing())).rejects.toThrow('broken');
  await expect(inTime(60_000, failing(), 'late')).rejects.toThrow('broken');
  expect(timers()).toBe(before);
});

test('what does not: nothing, or an error of its own; no time at all is none', async () => {
  expect(await within(1, never)).toBeUndefined();
  expect(await within(-5, never)).toBeUndefined();
  const late = inTime(1, never, 'no answer');
  await expect(late).rejects.toThrow(new TimedOut('no answer'));
  await expect(late).rejects.toBeInstanceOf(TimedOut);
});

test('a failure that comes too late is nobody’s', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  expect(await within(1, promise)).toBeUndefined();
  reject(new Error('too late'));
  await new Promise((resolve) => void setImmediate(resolve));
});

test('until looks again and again, at least once, and not beyond the bound', async () => {
  let looks = 0;
  expect(await until(60_000, () => ++looks === 3, 1)).toBe(true);
  expect(looks).toBe(3);
  expect(await until(0, () => ++looks < 0)).toBe(false);
  expect(looks).toBe(4);
  await expect(until(60_000, failing)).rejects.toThrow('broken');
});
