import promClient from 'prom-client';
import { familySpec, topicsOf } from '#catalogue';
import { encodeEnvelope, toEnvelopes, UNKNOWN_SCHEMA_ID } from '#envelope';
import { createProducer } from '#kafka';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { instant } from '#rules';
import type { StoryName } from '#simulator';
import { eventsOf } from '../requests.ts';
import type { Stack } from '../stack.ts';

/** A shop's day: most orders are paid at once, some attempts fail, a few customers pay later or again. */
const STORIES: readonly [StoryName, ...StoryName[]] = [
  'checkout-captured',
  'checkout-captured',
  'payment-failed',
  'checkout-captured',
  'second-attempt',
  'checkout-captured',
  'late-authorised',
  'checkout-captured',
  'recurring-charge',
  'checkout-captured',
  'payment-failed',
  'checkout-captured',
  'notice-failed',
  'checkout-captured',
];
/** Records handed to the producer at once; it takes 10 000. */
const AT_ONCE = 5_000;
const STOP_WITHIN_MS = 10_000;

/**
 * Topics of their own that hold `count` events of the payments
 * service, encoded and keyed as ingest does it. Answers their prefix.
 */
export const fillTopics = async (stack: Stack, seed: string, count: number): Promise<string> => {
  const topics = topicsOf('payments');
  const prefix = await stack.createTopics(topics);
  const producer = createProducer({
    config: stack.kafkaConfig(prefix),
    log: createLogger('bench', 'fatal'),
    metrics: new promClient.Registry(),
    clientId: 'dakia-bench',
    topics,
  });
  await producer.start();
  try {
    const events = eventsOf(seed, count, STORIES);
    for (let from = 0; from < events.length; from += AT_ONCE) {
      const outcomes = await Promise.all(
        events.slice(from, from + AT_ONCE).map(({ body, eventId, family }) => {
          const [envelope] = toEnvelopes({
            rawBody: body,
            endpoint: 'default',
            receivedAt: now(),
            eventIdHeader: eventId,
            traceparent: undefined,
          });
          return producer.publish(familySpec(family).topic, encodeEnvelope(envelope, UNKNOWN_SCHEMA_ID));
        }),
      );
      const lost = outcomes.filter((outcome) => outcome !== 'durable').length;
      if (lost > 0) throw new Error(`${lost} records did not become durable; the machine is too busy to measure`);
    }
  } finally {
    await producer.stop(instant(now() + STOP_WITHIN_MS));
  }
  return prefix;
};
