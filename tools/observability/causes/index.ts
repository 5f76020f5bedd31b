import type { Group } from '../rules.ts';
import { consumerCauses } from './consumers.ts';
import { ingestCauses } from './ingest.ts';
import { keptAsideCauses } from './kept-aside.ts';
import { notificationCauses } from './notifications.ts';
import { runtimeCauses } from './runtime.ts';

/** Alerts for causes: each names one thing that is wrong and can be acted on. */
export const causeGroups: readonly Group[] = [
  ingestCauses,
  consumerCauses,
  keptAsideCauses,
  notificationCauses,
  runtimeCauses,
];
