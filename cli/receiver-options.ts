import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { ingestSettings, secretSettings } from '../services/ingest/settings.ts';
import { dataDirOf, readIfThere, settingsOf, UsageError } from './output.ts';

/** Options that say where webhooks go and what signs them. */
export interface ReceiverOptions {
  readonly url?: URL;
  readonly secret?: string;
  readonly secretFile?: string;
}

export interface Receiver {
  readonly url: URL;
  readonly secret: string;
}

const settings = {
  port: ingestSettings.webhookPort,
  secrets: secretSettings.secrets,
  secretsFile: secretSettings.secretsFile,
};

export const withReceiver = (command: Command): Command =>
  command
    .option(
      '--url <url>',
      'where to send (default: http://127.0.0.1:<DAKIA_WEBHOOK_PORT or 8080>/webhooks/razorpay)',
      readUrl,
    )
    .option('--secret <text>', 'webhook secret to sign with')
    .option(
      '--secret-file <file>',
      'file with it (default: RAZORPAY_WEBHOOK_SECRETS, RAZORPAY_WEBHOOK_SECRETS_FILE, or the secret ' +
        'that npm start made)',
    );

/** Throws UsageError when there is no secret. */
export const receiverOf = (options: ReceiverOptions, command: Command): Receiver => {
  const config = settingsOf(command, settings);
  const made = join(dataDirOf(command), 'secret');
  const secret =
    firstOf(options.secret) ??
    firstOf(readIfGiven(options.secretFile)) ??
    firstOf(config.secrets) ??
    firstOf(readIfGiven(config.secretsFile)) ??
    firstOf(readIfThere(made));
  if (secret === undefined)
    throw new UsageError(
      `There is no secret to sign with: give --secret or --secret-file, or run npm start first, which makes ${made}.`,
    );
  return { url: options.url ?? new URL(`http://127.0.0.1:${config.port}/webhooks/razorpay`), secret };
};

const readUrl = (text: string): URL => {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new InvalidArgumentError('Give a URL that begins with http:// or https://.');
};

const readIfGiven = (file: string | undefined): string | undefined => {
  if (file === undefined) return undefined;
  const text = readIfThere(file);
  if (text === undefined) throw new UsageError(`There is no file ${file}.`);
  return text;
};

/** The first of several secrets, separated by commas or lines. */
const firstOf = (secrets: string | undefined): string | undefined =>
  secrets
    ?.split(/[,\n]/)
    .map((secret) => secret.trim())
    .find((secret) => secret !== '');
