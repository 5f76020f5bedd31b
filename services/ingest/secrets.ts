import { webhookSecret } from '#envelope';
import type { WebhookSecret } from '#envelope';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

/** The endpoint of /webhooks/razorpay itself. */
export const DEFAULT_ENDPOINT = 'default';
/** Active secrets of every endpoint, in the order of the settings. */
export type Secrets = ReadonlyMap<string, readonly WebhookSecret[]>;

/** Every secret costs one HMAC of a body that none of them signed; positions are metric labels. */
const SECRETS_MAX = 16;
const ENDPOINTS_MAX = 100;
const SECRET_LENGTH_MAX = 256;
const ENDPOINT_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/** Reads a list of secrets; `where` names the setting or file. No message ever holds a part of a secret. */
export const secretsOf = (where: string, texts: readonly string[]): Parsed<readonly WebhookSecret[]> => {
  const secrets = texts.map((text) => text.trim()).filter((text) => text !== '');
  if (secrets.length === 0) return unparsed(`${where}: holds no secret`);
  if (secrets.length > SECRETS_MAX)
    return unparsed(`${where}: holds ${secrets.length} secrets; ${SECRETS_MAX} is the most`);
  if (new Set(secrets).size < secrets.length) return unparsed(`${where}: holds a secret twice`);
  const bad = secrets.findIndex((secret) => secret.length > SECRET_LENGTH_MAX || CONTROL_CHARACTER.test(secret));
  if (bad !== -1)
    return unparsed(
      `${where}: secret ${bad + 1} is longer than ${SECRET_LENGTH_MAX} characters or holds a control character`,
    );
  return parsed(secrets.map(webhookSecret));
};

/** One secret a line; empty lines are skipped. */
export const secretsInFile = (file: string, content: string): Parsed<readonly WebhookSecret[]> =>
  secretsOf(file, content.split('\n'));

/** Lines of `name: secret`; empty lines and lines that begin with # are skipped. */
export const endpointsInFile = (file: string, content: string): Parsed<Secrets> => {
  const byName = new Map<string, string[]>();
  for (const [index, line] of content.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    if (!ENDPOINT_NAME.test(name))
      return unparsed(
        `${file}: line ${index + 1} does not begin with a name of lowercase letters, digits and dashes, and a colon`,
      );
    if (name === DEFAULT_ENDPOINT)
      return unparsed(
        `${file}: line ${index + 1} names ${DEFAULT_ENDPOINT}, whose secrets are RAZORPAY_WEBHOOK_SECRETS or ` +
          'RAZORPAY_WEBHOOK_SECRETS_FILE',
      );
    byName.set(name, [...(byName.get(name) ?? []), line.slice(colon + 1)]);
  }
  if (byName.size === 0) return unparsed(`${file}: holds no endpoint`);
  if (byName.size > ENDPOINTS_MAX)
    return unparsed(`${file}: holds ${byName.size} endpoints; ${ENDPOINTS_MAX} is the most`);
  const read = [...byName].map(([name, texts]) => [name, secretsOf(`${file}: endpoint ${name}`, texts)] as const);
  const issues = read.flatMap(([, secrets]) => (secrets.ok ? [] : secrets.issues));
  return issues.length > 0
    ? unparsed(...issues)
    : parsed(new Map(read.map(([name, secrets]) => [name, secrets.ok ? secrets.value : []])));
};
