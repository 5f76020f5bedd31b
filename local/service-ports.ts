import { join } from 'node:path';
import { writePrivate } from './private-files.ts';
import { opsSettings, readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { codeOf } from '#platform/log';
import { ingestSettings } from '../services/ingest/settings.ts';
import type { StateFolder } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import { freePort, portOrFree } from './ports.ts';
import type { PortNeed } from './ports.ts';

/** Ports of the services themselves: the webhook, and health and metrics by service. */
export interface ServicePorts {
  readonly webhook: number;
  readonly ops: Readonly<Record<string, number>>;
}

interface Request {
  readonly services: readonly string[];
  readonly environment: Environment;
  /** The option --port, which stands above DAKIA_WEBHOOK_PORT. */
  readonly webhookPort: number | undefined;
  readonly separate: boolean;
}

/**
 * In one process all services share the ops port; apart each has its own, counted up from DAKIA_OPS_PORT with ingest
 * first. Where a setting is 0 free ports are drawn here, so that they can be shown.
 */
export const planServicePorts = async ({
  services,
  environment,
  webhookPort,
  separate,
}: Request): Promise<ServicePorts> => {
  const read = readConfig({ webhookPort: ingestSettings.webhookPort, ...opsSettings }, environment);
  if (!read.ok) throw new LaunchFailure(codeOf('start', 'settings'), read.issues.join('\n'));
  const base = separate ? read.value.opsPort : await portOrFree(read.value.opsPort);
  const order = ['ingest', ...services.filter((name) => name !== 'ingest')];
  const ops: Record<string, number> = {};
  for (const [index, name] of order.entries())
    ops[name] = !separate ? base : base === 0 ? await freePort() : base + index;
  return { webhook: await portOrFree(webhookPort ?? read.value.webhookPort), ops };
};

export const servicePortNeeds = ({ webhook, ops }: ServicePorts): readonly PortNeed[] => [
  // Bound on every address by default, so a clash on any of them counts.
  { port: webhook, usedBy: 'the webhook', setting: '--port or DAKIA_WEBHOOK_PORT', host: '0.0.0.0' },
  ...[...new Set(Object.values(ops))].map((port) => ({
    port,
    usedBy: 'the server of health and metrics',
    setting: 'DAKIA_OPS_PORT',
    host: '0.0.0.0',
  })),
];

/** `.dakia/ports.json`: where each service answers /livez, /readyz and /metrics. */
export const writePortsFile = ({ root }: StateFolder, { ops }: ServicePorts): void =>
  writePrivate(join(root, 'ports.json'), `${JSON.stringify(ops, null, 2)}\n`);
