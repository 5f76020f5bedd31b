import type { QUARANTINE_SERVICE, ServiceName } from '#catalogue';

/**
 * The role that a service's connections take; made and granted by migrations/0110_roles.sql, the notifier's by its own.
 */
export const roleOf = (service: ServiceName | typeof QUARANTINE_SERVICE | 'notifier'): string => `dakia_${service}`;
/** The role of `npx dakia`: may do what a person decides (parked keys, ledger), not change tables. */
export const OPERATOR_ROLE = 'dakia_operator';
