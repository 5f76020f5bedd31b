import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { deliver, newEventId, withDelivery } from '../one-delivery.ts';
import type { DeliveryOptions } from '../one-delivery.ts';
import { UsageError } from '../output.ts';

const STANDARD_INPUT = '-';

export const addSend = (program: Command): void => {
  withDelivery(
    program
      .command('send <file>')
      .description(
        'Sign the bytes of a file as they are and deliver them once, as Razorpay would; - reads standard input.',
      ),
  )
    .addHelpText('after', '\nExample:\n  npx dakia send body.json')
    .action(sendFile);
};

const sendFile = async (file: string, options: DeliveryOptions, command: Command): Promise<void> => {
  const body = readBody(file);
  await deliver(options, command, { eventId: options.eventId ?? newEventId(), body, what: basename(file) });
};

const readBody = (file: string): Buffer => {
  try {
    return readFileSync(file === STANDARD_INPUT ? 0 : file);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
};
