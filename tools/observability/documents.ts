import type { Document } from '../rendered-document.ts';
import { renderRuleFile, ruleFilePath, ruleFiles } from './all-rules.ts';
import { dashboardPath, dashboards, renderDashboard } from './dashboards/build.ts';

/** What lies in `deploy/observability` and is made from here. */
export const observabilityDocuments: readonly Document[] = [
  ...Object.keys(ruleFiles).map((name) => ({ path: ruleFilePath(name), render: () => renderRuleFile(name) })),
  ...dashboards.map((dashboard) => ({ path: dashboardPath(dashboard.name), render: () => renderDashboard(dashboard) })),
];
