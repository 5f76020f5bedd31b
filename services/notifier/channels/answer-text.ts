import { foreignText } from './channel.ts';

/** Longest part of an answer that is kept, in UTF-16 units: enough to see why. */
const ANSWER_MAX = 160;
/** What stands for what is left out. */
const LEFT_OUT = '…';
/** A receiver's page for people. */
const MARKUP = /<[^<>]*>/g;
/**
 * E-mail addresses and VPAs; keys and tokens by how they begin; phone,
 * card and account numbers. Ids of Razorpay have letters in them.
 */
const TELLING = [
  /[^\s@<>"'(),;:=]+@[^\s@<>"'(),;:=]+/g,
  /\b(?:whsec_|sk_|rzp_(?:live|test)_)[\w+/=-]+|\b(?:bearer|basic)\s+[\w+/=.-]{8,}/gi,
  /(?<![\p{L}\p{N}_])\+?\d(?:[ ().-]{0,2}\d){6,}(?![\p{L}\p{N}_])/gu,
] as const;
/** A shorter text stands in too many others. */
const SENT_MIN = 3;

/**
 * What a receiver answered, as one short line that tells of nobody: an answer may echo what it was sent, or say what
 * the receiver knows. `sent`: what it was sent about persons.
 */
export const answerText = (body: string, sent: readonly string[]): string => {
  const told = sent
    .filter((text) => text.length >= SENT_MIN)
    .flatMap((text) => [text, JSON.stringify(text).slice(1, -1)])
    .toSorted((one, other) => other.length - one.length);
  const without = (text: string, found: readonly (string | RegExp)[]): string =>
    found.reduce<string>((left, each) => left.replaceAll(each, LEFT_OUT), text);
  const line = foreignText(without(body, told).replaceAll(MARKUP, ' '), body.length);
  return foreignText(without(line, TELLING), ANSWER_MAX);
};
