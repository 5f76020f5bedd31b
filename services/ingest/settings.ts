import {
  choice,
  kafkaSettings,
  optionalText,
  port,
  registrySettings,
  secretVariable,
  setting,
  text,
  whole,
} from '#platform/config';
import type { ConfigOf } from '#platform/config';

export const secretSettings = {
  secrets: secretVariable(
    'RAZORPAY_WEBHOOK_SECRETS',
    optionalText(),
    'Active secrets of /webhooks/razorpay, separated by commas; one that has a comma itself belongs into ' +
      'RAZORPAY_WEBHOOK_SECRETS_FILE.',
  ),
  secretsFile: setting(
    'RAZORPAY_WEBHOOK_SECRETS_FILE',
    optionalText(),
    'File with the active secrets of /webhooks/razorpay, one a line; read again when it changes. Instead of ' +
      'RAZORPAY_WEBHOOK_SECRETS.',
  ),
  endpointsFile: setting(
    'RAZORPAY_WEBHOOK_ENDPOINTS_FILE',
    optionalText(),
    'File with further endpoints, lines of `name: secret`; a name may come several times. Each is served at ' +
      '/webhooks/razorpay/<name>. Read again when it changes.',
  ),
} as const;

export const sourceSettings = {
  trustedProxies: setting(
    'DAKIA_TRUSTED_PROXIES',
    optionalText(),
    'Addresses and networks of the proxies in front of ingest, separated by commas. What they say of where a ' +
      'request comes from is believed, and nobody else.',
  ),
  forwardedHeader: setting(
    'DAKIA_FORWARDED_HEADER',
    choice(['x-forwarded-for', 'forwarded'], 'x-forwarded-for'),
    'The header in which those proxies say it. The other one is not looked at: they pass it on as it came.',
  ),
  sourcesAllowed: setting(
    'DAKIA_SOURCES_ALLOWED',
    optionalText(),
    'Addresses and networks that may send webhooks, separated by commas; the word razorpay stands for those that ' +
      'Razorpay publishes. Without it all may.',
  ),
  sourceRefusalsMax: setting(
    'DAKIA_SOURCE_REFUSALS_MAX',
    whole(0, 0, 1_000_000),
    'Refused deliveries of one address within a minute, after which it is answered 429 until the minute is over; ' +
      '0 is no limit. Behind a proxy set DAKIA_TRUSTED_PROXIES too, or all senders count as one.',
  ),
} as const;

export const ingestSettings = {
  webhookHost: setting('DAKIA_WEBHOOK_HOST', text('0.0.0.0'), 'Address that the webhook port binds to.'),
  webhookPort: setting('DAKIA_WEBHOOK_PORT', port(8080), 'Port of /webhooks/razorpay; 0 takes a free one.'),
  bodyBytesMax: setting(
    'DAKIA_BODY_BYTES_MAX',
    whole(262_144, 1_024, 1_048_576),
    'Largest body of a delivery, in bytes, at most 1 MiB. The largest that Razorpay is known to send have 7 kB.',
  ),
  drainDelayMs: setting(
    'DAKIA_DRAIN_DELAY_MS',
    whole(5_000, 0, 120_000),
    'How long in ms an ingest that stops goes on to take deliveries while /readyz answers 503 already, so that ' +
      'load balancers see it. A part of DAKIA_DRAIN_MS.',
  ),
  ...sourceSettings,
  ...secretSettings,
  ...kafkaSettings,
  ...registrySettings,
} as const;

export type SecretsConfig = ConfigOf<typeof secretSettings>;
export type SourcesConfig = ConfigOf<typeof sourceSettings>;
