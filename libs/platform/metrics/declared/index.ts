import { accountMetrics } from './account.ts';
import { applyMetrics } from './apply.ts';
import { ingestMetrics } from './ingest.ts';
import { notifyMetrics } from './notify.ts';
import { processMetrics } from './process.ts';

/** Every metric of Dakia, once: what is not here cannot be made (instruments.ts), and what is here moves in a test. */
export const metrics = {
  ...ingestMetrics,
  ...applyMetrics,
  ...notifyMetrics,
  ...accountMetrics,
  ...processMetrics,
} as const;

/** The same by who tells them, for the page. */
export const metricAreas = {
  ingest: ingestMetrics,
  'domain services': applyMetrics,
  notifier: notifyMetrics,
  account: accountMetrics,
  'every process': processMetrics,
} as const;
