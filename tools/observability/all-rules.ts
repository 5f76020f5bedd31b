import { burnRateGroups } from './burn-rates.ts';
import { causeGroups } from './causes/index.ts';
import { renderRules } from './rules.ts';
import type { Alert, Group } from './rules.ts';
import { slos } from './slos.ts';

/** The rule files below `deploy/observability/alerts`, by name. */
export const ruleFiles: Readonly<Record<string, readonly Group[]>> = {
  slos: burnRateGroups(slos),
  causes: causeGroups,
};

export const allAlerts: readonly Alert[] = Object.values(ruleFiles).flatMap((groups) =>
  groups.flatMap(({ alerts = [] }) => alerts),
);

export const ruleFilePath = (name: string): string => `deploy/observability/alerts/${name}.yaml`;
export const renderRuleFile = (name: string): string => renderRules(ruleFiles[name] ?? []);
