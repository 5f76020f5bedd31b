import { startWatchdog } from './watchdog.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const watched = () => {
  const hangs: number[] = [];
  return { hangs, watchdog: startWatchdog(1_000, (silentMs) => hangs.push(silentMs)) };
};

test('tells of a silence as soon as it is too long, and once', () => {
  const { hangs } = watched();
  jest.advanceTimersByTime(999);
  expect(hangs).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(hangs).toEqual([1_000]);
  jest.advanceTimersByTime(60_000);
  expect([hangs, jest.getTimerCount()]).toEqual([[1_000], 0]);
});

test('whatever is alive puts it off, and a clock that is set does not', () => {
  const { hangs, watchdog } = watched();
  for (let look = 0; look < 10; look++) {
    jest.advanceTimersByTime(900);
    watchdog.alive();
    jest.setSystemTime(Date.now() + 3_600_000);
  }
  jest.advanceTimersByTime(999);
  expect(hangs).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(hangs).toEqual([1_000]);
});

test('says nothing once it is stopped', () => {
  const { hangs, watchdog } = watched();
  watchdog.stop();
  jest.advanceTimersByTime(60_000);
  expect([hangs, jest.getTimerCount()]).toEqual([[], 0]);
});
