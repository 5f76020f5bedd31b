import { adviceFor, failureKindOf, failureKinds } from './failure.ts';

const nested = (...errors: readonly object[]): Error =>
  errors.reduceRight<Error | undefined>(
    (cause, properties) => Object.assign(new Error('x', { cause }), properties),
    undefined,
  ) ?? new Error('none');

test('the innermost error that is known says what went wrong, as kafkajs nests them', () => {
  const exceeded = { name: 'KafkaJSNumberOfRetriesExceeded' };
  expect(failureKindOf(nested(exceeded, { name: 'KafkaJSProtocolError', type: 'UNKNOWN_TOPIC_OR_PARTITION' }))).toBe(
    'missing-topic',
  );
  expect(
    failureKindOf(
      nested({ name: 'KafkaJSNonRetriableError' }, { name: 'KafkaJSProtocolError', type: 'MESSAGE_TOO_LARGE' }),
    ),
  ).toBe('too-large');
  expect(failureKindOf(nested(exceeded, { name: 'KafkaJSConnectionError' }))).toBe('unreachable');
  expect(
    failureKindOf(nested(exceeded, { name: 'KafkaJSConnectionError' }, { name: 'KafkaJSRequestTimeoutError' })),
  ).toBe('timeout');
  expect(failureKindOf(nested({ name: 'KafkaJSSASLAuthenticationError' }))).toBe('authentication');
  expect(failureKindOf(nested({ type: 'TOPIC_AUTHORIZATION_FAILED' }))).toBe('authorization');
  expect(failureKindOf(nested({ type: 'NOT_ENOUGH_REPLICAS' }))).toBe('not-enough-replicas');
});

test('anything else is other, and a ring of causes ends', () => {
  const ring = new Error('ring');
  ring.cause = ring;
  expect([ring, new Error('x'), 'text', undefined, nested({ type: 7 })].map(failureKindOf)).toEqual([
    'other',
    'other',
    'other',
    'other',
    'other',
  ]);
});

test('every kind has advice', () => {
  for (const kind of failureKinds) expect(adviceFor(kind)).toMatch(/^\S.{20,}/);
});
