import { createThrottle } from './throttle.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('the same is said once in its time, and then with how often it was held back', () => {
  const throttle = createThrottle(1_000);
  expect([throttle.admit(), throttle.admit(), throttle.admit()]).toEqual([0, undefined, undefined]);
  jest.advanceTimersByTime(999);
  expect(throttle.admit()).toBeUndefined();
  jest.advanceTimersByTime(1);
  expect([throttle.admit(), throttle.admit()]).toEqual([3, undefined]);
  throttle.reset();
  expect(throttle.admit()).toBe(0);
});

test('kinds do not hold each other back, and a clock that is set back does not either', () => {
  const throttle = createThrottle(1_000);
  expect([throttle.admit('a'), throttle.admit('b'), throttle.admit('a')]).toEqual([0, 0, undefined]);
  jest.setSystemTime(Date.now() - 3_600_000);
  jest.advanceTimersByTime(1_000);
  expect(throttle.admit('a')).toBe(1);
});

test('the memory is bounded: beyond it everything is said again', () => {
  const throttle = createThrottle(1_000);
  for (let kind = 0; kind < 200; kind++) throttle.admit(String(kind));
  expect(throttle.admit('0')).toBeUndefined();
  throttle.admit('one more');
  expect(throttle.admit('0')).toBe(0);
});
