import { kafkaSettings, optionalText, port, registrySettings, secretSetting, setting, text } from '#platform/config';
import type { ConfigOf } from '#platform/config';

export const secretSettings = {
  secrets: secretSetting(
    'RAZORPAY_WEBHOOK_SECRETS',
    optionalText(),
    'Active secrets of /webhooks/razorpay, separated by commas.',
  ),
  secretsFile: setting(
    'RAZORPAY_WEBHOOK_SECRETS_FILE',
    optionalText(),
    'File with the active secrets of /webhooks/razorpay, one a line; read again when it changes. Instead of RAZORPAY_WEBHOOK_SECRETS.',
  ),
  endpointsFile: setting(
    'RAZORPAY_WEBHOOK_ENDPOINTS_FILE',
    optionalText(),
    'File with further endpoints, lines of `name: secret`; a name may come several times. Each is served at /webhooks/razorpay/<name>. Read again when it changes.',
  ),
} as const;

export const ingestSettings = {
  webhookHost: setting('DAKIA_WEBHOOK_HOST', text('0.0.0.0'), 'Address that the webhook port binds to.'),
  webhookPort: setting('DAKIA_WEBHOOK_PORT', port(8080), 'Port of /webhooks/razorpay; 0 takes a free one.'),
  ...secretSettings,
  ...kafkaSettings,
  ...registrySettings,
} as const;

export type SecretsConfig = ConfigOf<typeof secretSettings>;
