import { instant } from '#rules';
import { headersOf, sign, simulation, storyNames } from '#simulator';
import type { SimulatedEvent, StoryName } from '#simulator';

/** Distinct events as Razorpay would send them; `seed` makes them different from all others of the run. */
export const eventsOf = (
  seed: string,
  count: number,
  stories: readonly [StoryName, ...StoryName[]] = storyNames as readonly [StoryName, ...StoryName[]],
): readonly SimulatedEvent[] => simulation({ seed, count, stories, at: instant(Date.now()) }).events;

/** A whole signed request, ready to be written to a connection. */
export const requestOf = ({ eventId, body }: SimulatedEvent, secret: string): Buffer => {
  const headers = {
    Host: 'dakia.example',
    ...headersOf(eventId, sign(secret, body)),
    'Content-Length': String(body.length),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST /webhooks/razorpay HTTP/1.1\r\n${head.join('')}\r\n`), body]);
};
