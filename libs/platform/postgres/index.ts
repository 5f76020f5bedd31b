export type { Database, Statement, Transaction } from './database.ts';
export { adHoc, createDatabase, quotedName, statement } from './database.ts';
export { classifyError, isStatementTimeout, LostRace, mayPassInParts } from './error-class.ts';
export { migrate } from './migrate.ts';
export { readMigrations } from './migration-files.ts';
export type { OutboxBell } from './outbox-signal.ts';
export { createOutboxBell, createOutboxListener } from './outbox-signal.ts';
export { OPERATOR_ROLE, roleOf } from './roles.ts';
