/**
 * Who has to deal with an error of a transaction: `infrastructure` is retried with the same batch until it goes away;
 * `event` cannot get better by itself, so the one event that causes it is found and its key parked.
 */
export type ErrorClass = 'infrastructure' | 'event';

/**
 * SQLSTATE classes and codes (postgresql.org/docs/current/errcodes-appendix.html) that say nothing about the event.
 * 42 and 3F are among them: a missing table, column or right is a deployment fault that would hit every event alike.
 */
const INFRASTRUCTURE_CLASSES = new Set(['08', '25', '28', '3D', '3F', '40', '42', '53', '57', '58', 'F0', 'XX']);
/**
 * 55P03 lock_not_available, 55006 object_in_use, 55000 "database is not accepting connections", 0A000 "cached plan must
 * not change result type" after a migration, 26000 a prepared statement that a pooler lost.
 */
const INFRASTRUCTURE_CODES = new Set(['55P03', '55006', '55000', '0A000', '26000']);
const SQLSTATE = /^[0-9A-Z]{5}$/;
/**
 * System errors of Node (ECONNREFUSED, EPIPE …), what TLS says of a certificate
 * (CERT_HAS_EXPIRED, SELF_SIGNED_CERT_IN_CHAIN …, nodejs.org/api/tls.html), and Node's
 * own errors of sockets. Its other ERR_ codes are bugs that the event may have caused.
 */
const SYSTEM_ERROR = /^(E[A-Z]+|(?!ERR_)[A-Z]+(_[A-Z]+)+|ERR_(SSL|TLS|STREAM|SOCKET)_[A-Z_]+)$/;
/** What the driver itself says, without a code, when the server is gone or does not answer. */
const DRIVER_MESSAGES =
  /connection (terminated|ended|error)|timeout exceeded when trying to connect|query read timeout|not queryable|client was closed|cannot use a pool after calling end|answered ROLLBACK to COMMIT/i;

const textOf = (error: object, name: 'code' | 'message'): string => {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
};

const codeOf = (error: unknown): string => (typeof error === 'object' && error !== null ? textOf(error, 'code') : '');

export const classifyError = (error: unknown): ErrorClass => {
  if (typeof error !== 'object' || error === null) return 'event';
  const code = textOf(error, 'code');
  if (SYSTEM_ERROR.test(code)) return 'infrastructure';
  if (SQLSTATE.test(code))
    return INFRASTRUCTURE_CLASSES.has(code.slice(0, 2)) || INFRASTRUCTURE_CODES.has(code) ? 'infrastructure' : 'event';
  return DRIVER_MESSAGES.test(textOf(error, 'message')) ? 'infrastructure' : 'event';
};

/**
 * Classes and codes that tell of single rows, tables or statements: 40 races, 42 and 3F tables and rights, 55P03 lock
 * time-out, 57014 statement time-out, 0A000 stale plan.
 */
const PARTIAL_CLASSES = new Set(['40', '42', '3F']);
const PARTIAL_CODES = new Set(['55P03', '57014', '0A000']);

/**
 * Whether parts of a transaction may get through that was refused as
 * a whole. Not so where the server or the connection is the trouble.
 */
export const mayPassInParts = (error: unknown): boolean => {
  if (classifyError(error) === 'event') return true;
  const code = codeOf(error);
  return PARTIAL_CLASSES.has(code.slice(0, 2)) || PARTIAL_CODES.has(code);
};

/**
 * 25006 the server became read only, 57P01 to 57P05 it shuts down or
 * starts up, 08 the protocol or the connection broke.
 */
const SESSION_CODES = new Set(['25006', '57P01', '57P02', '57P03', '57P04', '57P05']);

/** Whether the session can be of no more use, and those that were opened before it are as suspect. */
export const endsSession = (error: unknown): boolean => {
  const code = codeOf(error);
  if (SQLSTATE.test(code) && !SYSTEM_ERROR.test(code)) return SESSION_CODES.has(code) || code.startsWith('08');
  return classifyError(error) === 'infrastructure';
};

/** Postgres stopped a statement because it took too long (or an administrator did). */
export const isStatementTimeout = (error: unknown): boolean => codeOf(error) === '57014';

/** Two transactions met on one row without a lock between them: the second starts again and then sees the first. */
export class LostRace extends Error {
  override readonly name = 'LostRace';
  /** serialization_failure */
  readonly code = '40001';
}
