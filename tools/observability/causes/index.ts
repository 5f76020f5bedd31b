import type { Group } from '../rules.ts';
import { ingestCauses } from './ingest.ts';

/** Alerts for causes: each names one thing that is wrong and can be acted on. */
export const causeGroups: readonly Group[] = [ingestCauses];
