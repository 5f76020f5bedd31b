import { randomOf, shuffled } from '../random.ts';
import type { Random } from '../random.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import { headersOf, sign } from '../wire.ts';

const tamperings = ['byte-added', 'body-changed', 'signature-changed', 'signature-missing', 'other-secret'] as const;
/** How a delivery is made unauthentic. */
export type Tampering = (typeof tamperings)[number];

/** One HTTP request to be made, before it is signed. */
export interface Delivery {
  readonly event: SimulatedEvent;
  /**
   * `again`: the same bytes once more, as after an answer that was
   * lost. `tampered`: a forgery beside the genuine delivery.
   */
  readonly kind: 'genuine' | 'again' | 'tampered';
  readonly tampering?: Tampering;
}

export interface PlanOptions {
  readonly seed: string;
  /** Share (0 to 1) of the events that are delivered twice. */
  readonly duplicates: number;
  /** Any order instead of the true one. */
  readonly shuffle: boolean;
  /** Share (0 to 1) of the events for which a forgery is sent as well. */
  readonly tamper: number;
}

/** Furthest place, in deliveries, behind the genuine one at which a further delivery of an event stands. */
const FURTHEST_BEHIND = 50;

/** What to deliver, in order. The numbers are exact: count + round(count × duplicates) + round(count × tamper). */
export const plan = (events: readonly SimulatedEvent[], options: PlanOptions): readonly Delivery[] => {
  const random = randomOf(`${options.seed}/plan`);
  const genuine = events.map((event): Delivery => ({ event, kind: 'genuine' }));
  const again = chosen(events, options.duplicates, random).map((index) =>
    placed(index, { event: events[index] as SimulatedEvent, kind: 'again' }, random),
  );
  const forged = chosen(events, options.tamper, random).map((index) =>
    placed(
      index,
      { event: events[index] as SimulatedEvent, kind: 'tampered', tampering: random.pick(tamperings) },
      random,
    ),
  );
  const inOrder = [...genuine.map((delivery, place) => ({ place, delivery })), ...again, ...forged].sort(
    (a, b) => a.place - b.place,
  );
  const deliveries = inOrder.map(({ delivery }) => delivery);
  return options.shuffle ? shuffled(deliveries, random) : deliveries;
};

const chosen = (events: readonly SimulatedEvent[], share: number, random: Random): readonly number[] =>
  shuffled(Array.from(events.keys()), random).slice(0, Math.round(events.length * share));

const placed = (index: number, delivery: Delivery, random: Random) => ({
  place: index + random.whole(0, FURTHEST_BEHIND) + 0.5,
  delivery,
});

/** A delivery as it goes over the wire. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export const requestOf = ({ event, tampering }: Delivery, secret: string): SignedRequest => {
  const signature = sign(secret, event.body);
  const headers = headersOf(event.eventId, signature);
  if (tampering === undefined) return { headers, body: event.body };
  switch (tampering) {
    case 'byte-added':
      return { headers, body: Buffer.concat([event.body, Buffer.from('\n')]) };
    case 'body-changed':
      return { headers, body: Buffer.from(event.body.toString().replace(LAST_DIGIT, otherDigit)) };
    case 'signature-changed':
      return { headers: headersOf(event.eventId, signature.replace(/^./, otherDigit)), body: event.body };
    case 'signature-missing':
      return {
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'X-Razorpay-Signature')),
        body: event.body,
      };
    case 'other-secret':
      return { headers: headersOf(event.eventId, sign(`not-${secret}`, event.body)), body: event.body };
  }
};

const LAST_DIGIT = /\d(?=\D*$)/;
const otherDigit = (digit: string): string => (digit === '0' ? '1' : '0');
