import { createAdmission } from './admission.ts';
import type { Admission, Place } from './admission.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL = 64 * KIB;

interface Guest extends Place {
  readonly isOut: () => boolean;
}
const enter = (admission: Admission, announced = 1_000): Guest => {
  const place = admission.enter(announced);
  if (typeof place === 'string') throw new Error(place);
  let isOut = false;
  place.onCrowdedOut(() => (isOut = true));
  return { ...place, isOut: () => isOut };
};
const outOf = (guests: readonly Guest[]): number => guests.filter(({ isOut }) => isOut()).length;

test('5,000 that only send headers keep nobody out: the one that waits the longest gives way', () => {
  const admission = createAdmission();
  const stalling = Array.from({ length: 5_000 }, () => enter(admission));
  const genuine = enter(admission);
  expect([genuine.reserve(7_000), genuine.keep(), genuine.isOut()]).toEqual([true, true, false]);
  expect([outOf(stalling), stalling[0]?.isOut()]).toEqual([1, true]);
  expect(admission.load()).toEqual({ requests: 5_000, bytes: 7_000 });
});

test('5,000 authentic ones are kept, and no further one until one has left', () => {
  const admission = createAdmission();
  const kept = Array.from({ length: 5_000 }, () => enter(admission));
  for (const each of kept) expect(each.keep()).toBe(true);
  const late = enter(admission);
  expect(late.keep()).toBe(false);
  late.leave();
  expect(outOf(kept)).toBe(0);
  kept[0]?.leave();
  expect(enter(admission).keep()).toBe(true);
});

test('bodies that stop one byte short keep nobody out, large or small', () => {
  for (const size of [256 * KIB, SMALL]) {
    const admission = createAdmission();
    const stalling = Array.from({ length: 2_000 }, () => {
      const guest = enter(admission, size);
      guest.reserve(size);
      return guest;
    });
    expect(admission.load().bytes).toBeLessThanOrEqual(64 * MIB);
    const genuine = enter(admission);
    expect([genuine.reserve(SMALL), genuine.keep(), genuine.isOut()]).toEqual([true, true, false]);
    expect(stalling.at(-1)?.isOut()).toBe(false);
  }
});

test('large bodies, announced or not, leave half of the memory to small ones', () => {
  const admission = createAdmission();
  const small = enter(admission);
  small.reserve(SMALL);
  const large = Array.from({ length: 400 }, (_, index) => {
    const guest = enter(admission, index % 2 === 0 ? 256 * KIB : undefined);
    guest.reserve(256 * KIB);
    return guest;
  });
  expect(large.filter(({ isOut }) => !isOut())).toHaveLength(128);
  expect([small.isOut(), admission.load().bytes]).toEqual([false, 32 * MIB + SMALL]);
});

test('authentic bodies fill the memory: the next is refused and none of them is lost', () => {
  const admission = createAdmission();
  const kept = Array.from({ length: 1_024 }, () => {
    const guest = enter(admission);
    expect([guest.reserve(SMALL), guest.keep()]).toEqual([true, true]);
    return guest;
  });
  expect(enter(admission).reserve(1)).toBe(false);
  expect(outOf(kept)).toBe(0);
  kept[0]?.leave();
  expect(enter(admission).reserve(1)).toBe(true);
});

test('who leaves gives all back, once', () => {
  const admission = createAdmission();
  const [large, small] = [enter(admission, 200 * KIB), enter(admission)];
  large.reserve(200 * KIB);
  small.reserve(100);
  large.leave();
  large.leave();
  expect(admission.load()).toEqual({ requests: 1, bytes: 100 });
  small.keep();
  small.leave();
  small.leave();
  expect(admission.load()).toEqual({ requests: 0, bytes: 0 });
});

test('once closed nobody is let in, and who is in may finish', () => {
  const admission = createAdmission();
  const place = enter(admission);
  admission.close();
  expect(admission.enter(1)).toBe('draining');
  expect([place.reserve(1), place.keep()]).toEqual([true, true]);
  place.leave();
  expect(admission.load()).toEqual({ requests: 0, bytes: 0 });
});
