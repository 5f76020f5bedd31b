export { choice, optionalText, port, text, whole } from './schemas.ts';
export type { Current, Reread } from './reread.ts';
export { createReread } from './reread.ts';
export type { ConfigOf, Environment, Setting, Settings } from './setting.ts';
export {
  describeConfig,
  overlaid,
  processEnvironment,
  readConfig,
  secretSetting,
  secretVariable,
  setting,
  variablesOf,
} from './setting.ts';
export {
  boardSettings,
  kafkaSettings,
  opsSettings,
  postgresSettings,
  processSettings,
  receivedSettings,
  queueSettings,
  redisSettings,
  registrySettings,
  ruleFileSettings,
  searchSettings,
  traceSettings,
} from './settings.ts';
export type { PostgresTarget } from './postgres-urls.ts';
export { postgresTarget } from './postgres-urls.ts';
