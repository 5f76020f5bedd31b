import { oncePer } from './once-per.ts';

test('makes one thing per key, also where that thing is undefined', () => {
  let made = 0;
  const numberOf = oncePer((key: { readonly isOdd: boolean }) => (made++, key.isOdd ? 1 : undefined));
  const [odd, even] = [{ isOdd: true }, { isOdd: false }];
  expect([numberOf(odd), numberOf(even), numberOf(odd), numberOf(even)]).toEqual([1, undefined, 1, undefined]);
  expect(made).toBe(2);
});
