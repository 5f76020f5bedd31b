import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { boardSettings, postgresSettings, queueSettings, redisSettings, ruleFileSettings } from '#platform/config';
import type { ConfigOf, Environment } from '#platform/config';
import { createLogger } from '#platform/log';
import type { Logger } from '#platform/log';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { openDestinations } from './channels/destinations.ts';
import type { Destinations } from './channels/destinations.ts';
import { readRuleFile } from './rules/rule-file.ts';
import type { NotificationRules } from './rules/rules.ts';

export const notifierSettings = {
  ...ruleFileSettings,
  ...postgresSettings,
  ...redisSettings,
  ...queueSettings,
  ...boardSettings,
} as const;

const SHIPPED = join(import.meta.dirname, '..', '..', 'deploy', 'notifications.example.yaml');

export interface RuleFile {
  readonly rules: NotificationRules;
  /** As issues call it. */
  readonly name: string;
}

/**
 * The file that says who is told what. What is wrong with it is told
 * by line; what keeps it from being read, by the setting's name.
 */
export const loadRules = ({ notificationsFile }: ConfigOf<typeof ruleFileSettings>): Parsed<RuleFile> => {
  const path = notificationsFile ?? SHIPPED;
  const name = notificationsFile ?? relative(process.cwd(), SHIPPED);
  const source = readText(path);
  if (!source.ok) return unparsed(...source.issues.map((issue) => `DAKIA_NOTIFICATIONS_FILE: ${name} ${issue}`));
  const rules = readRuleFile(source.value, name);
  return rules.ok ? parsed({ rules: rules.value, name }) : rules;
};

/** The text of a file; its issues follow its name. */
export const readText = (path: string): Parsed<string> => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return unparsed(
      `cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`,
    );
  }
  try {
    return parsed(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return unparsed('is not UTF-8');
  }
};

export interface OpenRules {
  readonly rules: NotificationRules;
  readonly destinations: Destinations;
}

/** The file, with its destinations as the environment completes them. */
export const openRules = (
  config: ConfigOf<typeof ruleFileSettings>,
  environment: Environment,
  log: Logger,
): Parsed<OpenRules> => {
  const file = loadRules(config);
  if (!file.ok) return file;
  const { rules, name } = file.value;
  const destinations = openDestinations(rules.destinations, environment, log, name);
  return destinations.ok ? parsed({ rules, destinations: destinations.value }) : destinations;
};

/** Everything that is wrong with the file, and with what it takes from the environment. */
export const ruleFileIssues = (
  config: ConfigOf<typeof ruleFileSettings>,
  environment: Environment,
): readonly string[] => {
  const opened = openRules(config, environment, createLogger('notifier', 'silent'));
  if (!opened.ok) return opened.issues;
  for (const destination of opened.value.destinations.open.values()) void destination.close();
  return [];
};
