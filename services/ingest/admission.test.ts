import { createAdmission } from './admission.ts';
import type { Place } from './admission.ts';

const MIB = 1024 * 1024;
const enter = (admission: ReturnType<typeof createAdmission>): Place => {
  const place = admission.enter();
  if (typeof place === 'string') throw new Error(place);
  return place;
};

test('5,000 deliveries at once, and one more as soon as one has left', () => {
  const admission = createAdmission();
  const places = Array.from({ length: 5_000 }, () => enter(admission));
  expect(admission.enter()).toBe('requests-full');
  places[0]?.leave();
  expect(typeof admission.enter()).toBe('object');
});

test('64 MiB at once, counted as they arrive; who leaves gives all of his back', () => {
  const admission = createAdmission();
  const [large, small] = [enter(admission), enter(admission)];
  expect([large.reserve(63 * MIB), large.reserve(MIB - 1)]).toEqual([true, true]);
  expect([small.reserve(2), small.reserve(1)]).toEqual([false, true]);
  expect(admission.load()).toEqual({ requests: 2, bytes: 64 * MIB });
  expect(admission.enter()).toBe('bytes-full');
  large.leave();
  expect(admission.load()).toEqual({ requests: 1, bytes: 1 });
  small.leave();
  expect(admission.load()).toEqual({ requests: 0, bytes: 0 });
});

test('once closed nobody is let in, and who is in may finish', () => {
  const admission = createAdmission();
  const place = enter(admission);
  admission.close();
  expect(admission.enter()).toBe('draining');
  expect(place.reserve(1)).toBe(true);
  place.leave();
  expect(admission.load()).toEqual({ requests: 0, bytes: 0 });
});
