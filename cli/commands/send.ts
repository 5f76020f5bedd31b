import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { eventNames, isEventName } from '#catalogue';
import type { EventName } from '#catalogue';
import { instant } from '#rules';
import type { JsonValue } from '#rules';
import { buildEvent, sendOne } from '#simulator';
import type { FieldValue, OneAnswer } from '#simulator';
import { exitCodes, print, printJson, printList, UsageError } from '../frame.ts';
import { receiverOf, withReceiver } from '../receiver-options.ts';
import type { ReceiverOptions } from '../receiver-options.ts';

interface CommonOptions extends ReceiverOptions {
  readonly eventId?: string;
  readonly endpoint?: string;
  readonly json: boolean;
}
interface TriggerOptions extends CommonOptions {
  readonly set: readonly FieldValue[];
  readonly print: boolean;
}

const EVENT_ID = /^[\x21-\x7e]{1,256}$/;
const ENDPOINT = /^[\w.-]{1,64}$/;
const STANDARD_INPUT = '-';

export const addSend = (program: Command): void => {
  withCommon(
    program
      .command('send <file>')
      .description(
        'Sign the bytes of a file as they are and deliver them once, as Razorpay would; - reads standard input.',
      ),
  )
    .addHelpText('after', '\nExample:\n  npx dakia send body.json')
    .action(sendFile);
  withCommon(
    program
      .command('trigger <event>')
      .description('Make a complete body of one event, sign it and deliver it once.')
      .option(
        '--set <field=value>',
        'a field of what the event is about, such as amount=50000 or notes.cart=17; payment.status=failed is one of an entity beside it; several times',
        addField,
        [],
      )
      .option('--print', 'print the body and send nothing', false),
  )
    .addHelpText('after', '\nExample:\n  npx dakia trigger payment.captured --set amount=50000')
    .action(trigger);
};

const withCommon = (command: Command): Command =>
  withReceiver(command)
    .option('--event-id <id>', 'X-Razorpay-Event-Id (default: a new one)', readEventId)
    .option(
      '--endpoint <name>',
      'endpoint of RAZORPAY_WEBHOOK_ENDPOINTS_FILE: is added to the path of the URL',
      readEndpoint,
    )
    .option('--json', 'print one JSON object', false);

const sendFile = async (file: string, options: CommonOptions, command: Command): Promise<void> => {
  const body = readBody(file);
  await deliver(options, command, { eventId: options.eventId ?? newEventId(), body, what: basename(file) });
};

const trigger = async (name: string, options: TriggerOptions, command: Command): Promise<void> => {
  const { event, key, family, eventId, body } = buildEvent(knownEvent(name), {
    seed: newEventId(),
    at: instant(Date.now()),
    eventId: options.eventId ?? newEventId(),
    fields: options.set,
  });
  if (options.print)
    return options.json
      ? printJson({ ok: true, event, eventId, entity: key, body: body.toString() })
      : print(body.toString());
  await deliver(options, command, { eventId, body, what: event, entity: key, family });
};

interface Sending {
  readonly eventId: string;
  readonly body: Buffer;
  /** What is sent, for the person who reads it. */
  readonly what: string;
  readonly entity?: string;
  readonly family?: string;
}

const deliver = async (options: CommonOptions, command: Command, sending: Sending): Promise<void> => {
  const receiver = receiverOf(options, command);
  const url = options.endpoint === undefined ? receiver.url : withEndpoint(receiver.url, options.endpoint);
  const { eventId, body, what, entity, family } = sending;
  const answer = await sendOne({ ...receiver, url }, { eventId, body });
  const ok = answer.kind === 'answered' && answer.status === 200;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  const about = { eventId, ...(entity === undefined ? {} : { entity, family }), bytes: body.length, url: url.href };
  if (options.json) return printJson({ ok, sent: what, ...about, ...jsonOf(answer) });
  printList([
    ['sent', `${what}, ${body.length} bytes, event id ${eventId}`],
    ...(entity === undefined ? [] : [['entity', entity]]),
    ['to', url.href],
    ['answer', answer.kind === 'answered' ? `${answer.status} ${answer.text}` : `none: ${answer.reason}`],
  ]);
  if (ok) print(`\nSee what came of it:\n  npx dakia show ${entity ?? eventId}`);
};

const jsonOf = (answer: OneAnswer): object =>
  answer.kind === 'answered' ? { status: answer.status, answer: answer.text } : { status: null, error: answer.reason };

/** 14 letters and digits, as Razorpay's. */
const newEventId = (): string =>
  randomBytes(16).toString('base64').replaceAll(/[+/=]/g, '').padEnd(14, '0').slice(0, 14);

const withEndpoint = (url: URL, endpoint: string): URL => {
  const longer = new URL(url);
  longer.pathname = `${url.pathname.replace(/\/$/, '')}/${endpoint}`;
  return longer;
};

const readBody = (file: string): Buffer => {
  try {
    return readFileSync(file === STANDARD_INPUT ? 0 : file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const knownEvent = (name: string): EventName => {
  if (isEventName(name)) return name;
  const family = name.split('.')[0] ?? '';
  const near = eventNames.filter((event) => event.startsWith(`${family}.`));
  throw new UsageError(
    `There is no event ${name}. ${near.length > 0 ? `Of ${family} there are ${near.join(', ')}.` : 'docs/events.md has those there are.'}`,
  );
};

const readEventId = (text: string): string => {
  if (EVENT_ID.test(text)) return text;
  throw new InvalidArgumentError('Give 1 to 256 visible ASCII characters.');
};

const readEndpoint = (text: string): string => {
  if (ENDPOINT.test(text)) return text;
  throw new InvalidArgumentError('Give the name of an endpoint, letters, digits, dots, dashes and underscores.');
};

/** `amount=500`: the value is JSON where it is JSON, else text. */
const addField = (text: string, before: readonly FieldValue[]): readonly FieldValue[] => {
  const equals = text.indexOf('=');
  const [first, ...rest] = text.slice(0, Math.max(0, equals)).split('.');
  if (equals < 1 || first === undefined || [first, ...rest].includes(''))
    throw new InvalidArgumentError('Give field=value, such as amount=50000 or notes.cart=17.');
  return [...before, { path: [first, ...rest], value: valueOf(text.slice(equals + 1)) }];
};

const valueOf = (text: string): JsonValue => {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
};
