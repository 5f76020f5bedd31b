import { createLoginLimit } from './login-limit.ts';

test('an address that guesses is not listened to until its minute is over; others are', () => {
  const limit = createLoginLimit();
  for (let guess = 0; guess < 10; guess++) {
    expect(limit.allows('10.0.0.1', guess)).toBe(true);
    limit.failed('10.0.0.1', guess);
  }
  expect(limit.allows('10.0.0.1', 59_999)).toBe(false);
  expect(limit.allows('10.0.0.2', 59_999)).toBe(true);
  expect(limit.allows('10.0.0.1', 60_000)).toBe(true);
});

test('what is remembered is bounded', () => {
  const limit = createLoginLimit();
  for (let guess = 0; guess < 10; guess++) limit.failed('first', 0);
  expect(limit.allows('first', 1)).toBe(false);
  for (let other = 0; other < 10_000; other++) limit.failed(`other ${other}`, 1);
  expect(limit.allows('first', 1)).toBe(true);
});
