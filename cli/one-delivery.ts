import { randomBytes } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { sendOne } from '#simulator';
import type { OneAnswer } from '#simulator';
import { exitCodes, print, printJson, printList, warn } from './output.ts';
import { receiverOf, withReceiver } from './receiver-options.ts';
import type { ReceiverOptions } from './receiver-options.ts';

/** Options of the commands that deliver one event. */
export interface DeliveryOptions extends ReceiverOptions {
  readonly eventId?: string;
  readonly endpoint?: string;
  readonly json: boolean;
}

const EVENT_ID = /^[\x21-\x7e]{1,256}$/;
const ENDPOINT = /^[\w.-]{1,64}$/;

export const withDelivery = (command: Command): Command =>
  withReceiver(command)
    .option('--event-id <id>', 'X-Razorpay-Event-Id (default: a new one)', readEventId)
    .option(
      '--endpoint <name>',
      'endpoint of RAZORPAY_WEBHOOK_ENDPOINTS_FILE: is added to the path of the URL',
      readEndpoint,
    )
    .option('--json', 'print one JSON object', false);

const readEventId = (text: string): string => {
  if (EVENT_ID.test(text)) return text;
  throw new InvalidArgumentError('Give 1 to 256 visible ASCII characters.');
};

const readEndpoint = (text: string): string => {
  if (ENDPOINT.test(text)) return text;
  throw new InvalidArgumentError('Give the name of an endpoint, letters, digits, dots, dashes and underscores.');
};

interface Sending {
  readonly eventId: string;
  readonly body: Buffer;
  /** What is sent, for the person who reads it. */
  readonly what: string;
  readonly entity?: string;
  readonly family?: string;
}

/** Delivers once and prints the answer; anything but 200 is not as expected. */
export const deliver = async (options: DeliveryOptions, command: Command, sending: Sending): Promise<void> => {
  const receiver = receiverOf(options, command);
  const url = options.endpoint === undefined ? receiver.url : withEndpoint(receiver.url, options.endpoint);
  const { eventId, body, what, entity, family } = sending;
  const answer = await sendOne({ ...receiver, url }, { eventId, body });
  const ok = answer.kind === 'answered' && answer.status === 200;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (answer.kind === 'none') warn(silenceOf(answer));
  const about = { eventId, ...(entity === undefined ? {} : { entity, family }), bytes: body.length, url: url.href };
  if (options.json) return printJson({ ok, sent: what, ...about, ...jsonOf(answer) });
  printList([
    ['sent', `${what}, ${body.length} bytes, event id ${eventId}`],
    ...(entity === undefined ? [] : [['entity', entity]]),
    ['to', url.href],
    ['answer', answer.kind === 'answered' ? `${answer.status} ${answer.text}` : 'none'],
  ]);
  if (ok) print(`\nSee what came of it:\n  npx dakia show ${entity ?? eventId}`);
};

const jsonOf = (answer: OneAnswer): object =>
  answer.kind === 'answered'
    ? { status: answer.status, answer: answer.text }
    : { status: null, error: silenceOf(answer) };

const silenceOf = ({ reason }: Extract<OneAnswer, { kind: 'none' }>): string =>
  `There was no answer: ${reason}. Is ingest running there?`;

/** 14 letters and digits, as Razorpay's. */
export const newEventId = (): string =>
  randomBytes(16).toString('base64').replaceAll(/[+/=]/g, '').padEnd(14, '0').slice(0, 14);

const withEndpoint = (url: URL, endpoint: string): URL => {
  const longer = new URL(url);
  longer.pathname = `${url.pathname.replace(/\/$/, '')}/${endpoint}`;
  return longer;
};
