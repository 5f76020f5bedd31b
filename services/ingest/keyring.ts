import { readFileSync } from 'node:fs';
import type { WebhookSecret } from '#envelope';
import { createReread } from '#platform/config';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { beforeScrape, counterOf, gaugeOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import type { Component } from '#platform/service';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { DEFAULT_ENDPOINT, endpointsInFile, secretsInFile, secretsOf } from './secrets.ts';
import type { Secrets } from './secrets.ts';
import type { SecretsConfig } from './settings.ts';

/**
 * How often the files are looked at, in ms. Kubernetes itself takes up to a minute to bring a changed Secret to a pod.
 */
const READ_EVERY_MS = 2_000;
/** A secret with fewer characters may be guessed. */
const SECRET_LENGTH_GOOD = 16;

/**
 * The secrets in use. Files are read again when they change; one that
 * is broken or empty leaves the last good secrets in use.
 */
export interface Keyring extends Component {
  /** Undefined for an endpoint that is not configured. */
  readonly secretsOf: (endpoint: string) => readonly WebhookSecret[] | undefined;
}

/** What is wrong with the settings of secrets, in words for a person; empty when the service can start with them. */
export const secretsIssues = (config: SecretsConfig): readonly string[] => {
  const secrets = readSecrets(config);
  return secrets.ok ? [] : secrets.issues;
};

const readSecrets = ({ secrets, secretsFile, endpointsFile }: SecretsConfig): Parsed<Secrets> => {
  if (secrets === undefined && secretsFile === undefined && endpointsFile === undefined) {
    return unparsed(
      'RAZORPAY_WEBHOOK_SECRETS: no webhook secret is set; give the secret of the webhook in the Razorpay ' +
        'dashboard, here or in RAZORPAY_WEBHOOK_SECRETS_FILE',
    );
  }
  if (secrets !== undefined && secretsFile !== undefined)
    return unparsed('RAZORPAY_WEBHOOK_SECRETS: is set together with RAZORPAY_WEBHOOK_SECRETS_FILE; set one of them');
  const inline = secrets === undefined ? undefined : secretsOf('RAZORPAY_WEBHOOK_SECRETS', secrets.split(','));
  const fromFile =
    secretsFile === undefined ? undefined : readFile('RAZORPAY_WEBHOOK_SECRETS_FILE', secretsFile, secretsInFile);
  const endpoints =
    endpointsFile === undefined
      ? undefined
      : readFile('RAZORPAY_WEBHOOK_ENDPOINTS_FILE', endpointsFile, endpointsInFile);
  const issues = [inline, fromFile, endpoints].flatMap((part) => (part === undefined || part.ok ? [] : part.issues));
  if (issues.length > 0) return unparsed(...issues);
  const ofDefault = [inline, fromFile].flatMap((part) =>
    part?.ok === true ? [[DEFAULT_ENDPOINT, part.value] as const] : [],
  );
  return parsed(new Map([...ofDefault, ...(endpoints?.ok === true ? endpoints.value : [])]));
};

const readFile = <Value>(
  setting: string,
  file: string,
  read: (file: string, content: string) => Parsed<Value>,
): Parsed<Value> => {
  try {
    const value = read(file, readFileSync(file, 'utf8'));
    return value.ok ? value : unparsed(...value.issues.map((issue) => `${setting}: ${issue}`));
  } catch (error) {
    return unparsed(`${setting}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
};

/** Throws what `secretsIssues` reports. */
export const createKeyring = ({
  config,
  log,
  metrics,
}: {
  readonly config: SecretsConfig;
  readonly log: Logger;
  readonly metrics: Registry;
}): Keyring => {
  const files = [config.secretsFile, config.endpointsFile].filter((file) => file !== undefined);
  const reread = createReread(files, () => readSecrets(config));
  if (!reread.ok) throw new Error(reread.issues.join('; '));
  const { value: secrets, look } = reread.value;
  const reloads = counterOf(metrics, 'dakia_ingest_secret_reloads_total');
  const inUse = gaugeOf(metrics, 'dakia_ingest_secrets');
  let timer: NodeJS.Timeout | undefined;
  beforeScrape(metrics, ['dakia_ingest_secrets'], () => {
    inUse.reset();
    for (const [endpoint, list] of secrets()) inUse.set({ endpoint }, list.length);
  });

  const readChanges = (): void => {
    const read = look();
    if (read === undefined) return;
    reloads.inc({ result: read.ok ? 'used' : 'unusable' });
    if (read.ok) tell(log, read.value, 'webhook secrets were read again: number per endpoint');
    else
      log.error(
        { code: codeOf('ingest', 'secrets-unusable'), issues: read.issues },
        'changed webhook secrets cannot be used; the last good ones stay in use',
      );
  };

  return {
    name: 'webhook secrets',
    secretsOf: (endpoint) => secrets().get(endpoint),
    start: async () => {
      tell(log, secrets(), 'webhook secrets in use: number per endpoint');
      tellOfCommas(log, config, secrets());
      if (files.length > 0) timer = setInterval(readChanges, READ_EVERY_MS);
    },
    stop: async () => clearInterval(timer),
  };
};

type SecretsByEndpoint = ReadonlyMap<string, readonly WebhookSecret[]>;

/** How many secrets there are, and which endpoints have short ones; never a secret, and never which. */
const tell = (log: Logger, secrets: SecretsByEndpoint, message: string): void => {
  const numbers = (of: (list: readonly WebhookSecret[]) => number): Readonly<Record<string, number>> =>
    Object.fromEntries([...secrets].map(([name, list]) => [name, of(list)] as const).filter(([, count]) => count > 0));
  log.info({ endpoints: numbers(({ length }) => length) }, message);
  const short = numbers((list) => list.filter(isShort).length);
  if (Object.keys(short).length > 0)
    log.warn(
      { endpoints: short },
      `webhook secrets with fewer than ${SECRET_LENGTH_GOOD} characters: number per endpoint. Such a secret can ` +
        'be guessed; give the webhook a longer one',
    );
};

/**
 * Two secrets of a rotation and two halves of one that has a comma look alike, whatever their lengths, and the halves
 * refuse every delivery. So whoever gave more than one this way is told how they were read, at each start.
 */
const tellOfCommas = (log: Logger, { secrets: inline }: SecretsConfig, secrets: SecretsByEndpoint): void => {
  const count = secrets.get(DEFAULT_ENDPOINT)?.length ?? 0;
  if (inline === undefined || count < 2) return;
  log.warn(
    { endpoints: { [DEFAULT_ENDPOINT]: count } },
    `the commas in RAZORPAY_WEBHOOK_SECRETS make it ${count} secrets. That is right while a secret is rotated. A secret ` +
      'that has a comma itself is split by it, and all its deliveries are refused: put it in ' +
      'RAZORPAY_WEBHOOK_SECRETS_FILE, where every line is one secret',
  );
};

const isShort = (secret: WebhookSecret): boolean => (secret.symmetricKeySize ?? 0) < SECRET_LENGTH_GOOD;
