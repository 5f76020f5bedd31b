import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { eventNames, isEventName } from '#catalogue';
import type { EventName } from '#catalogue';
import { instant } from '#rules';
import type { JsonValue } from '#rules';
import { buildEvent } from '#simulator';
import type { FieldValue } from '#simulator';
import { deliver, newEventId, withDelivery } from '../one-delivery.ts';
import type { DeliveryOptions } from '../one-delivery.ts';
import { printJson, printWhole, UsageError } from '../output.ts';

interface TriggerOptions extends DeliveryOptions {
  readonly set: readonly FieldValue[];
  readonly print: boolean;
}

export const addTrigger = (program: Command): void => {
  withDelivery(
    program
      .command('trigger <event>')
      .description('Make a complete body of one event, sign it and deliver it once.')
      .option(
        '--set <field=value>',
        'a field of what the event is about, such as amount=50000 or notes.cart=17; payment.status=failed is one ' +
          'of an entity beside it; several times',
        addField,
        [],
      )
      .option('--print', 'print the body and send nothing', false),
  )
    .addHelpText('after', '\nExample:\n  npx dakia trigger payment.captured --set amount=50000')
    .action(trigger);
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
      : printWhole(body.toString());
  await deliver(options, command, { eventId, body, what: event, entity: key, family });
};

const knownEvent = (name: string): EventName => {
  if (isEventName(name)) return name;
  const family = name.split('.')[0] ?? '';
  const near = eventNames.filter((event) => event.startsWith(`${family}.`));
  throw new UsageError(
    `There is no event ${name}. ` +
      `${near.length > 0 ? `Of ${family} there are ${near.join(', ')}.` : 'docs/events.md has those there are.'}`,
  );
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
