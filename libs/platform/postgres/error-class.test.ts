import { classifyError, endsSession, isStatementTimeout, LostRace, mayPassInParts } from './error-class.ts';

const coded = (code: string, message = 'refused'): Error => Object.assign(new Error(message), { code });

describe('who deals with an error', () => {
  test.each([
    ['connection failure', coded('08006')],
    ['serialization failure', coded('40001')],
    ['deadlock', coded('40P01')],
    ['too many connections', coded('53300')],
    ['disk full', coded('53100')],
    ['server shuts down', coded('57P01')],
    ['server starts up', coded('57P03')],
    ['statement timeout', coded('57014')],
    ['lock timeout', coded('55P03')],
    ['database takes no connections now', coded('55000')],
    ['idle in transaction', coded('25P03')],
    ['a standby that is read only', coded('25006')],
    ['wrong password', coded('28P01')],
    ['table missing', coded('42P01')],
    ['no right on the table', coded('42501')],
    ['plan went stale by a migration', coded('0A000')],
    ['nobody listens', coded('ECONNREFUSED')],
    ['connection reset', coded('ECONNRESET')],
    ['pipe closed', coded('EPIPE')],
    ['host unknown', coded('ENOTFOUND')],
    ['certificate of somebody else', coded('ERR_TLS_CERT_ALTNAME_INVALID')],
    ['certificate out of date', coded('CERT_HAS_EXPIRED')],
    ['certificate of an unknown authority', coded('SELF_SIGNED_CERT_IN_CHAIN')],
    ['certificate without its chain', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
    ['lost while waiting', new Error('Connection terminated unexpectedly')],
    ['no answer', new Error('Query read timeout')],
    ['no connection in time', new Error('timeout exceeded when trying to connect')],
    ['pool closed', new Error('Cannot use a pool after calling end on the pool')],
    ['lost race', new LostRace('2 rows were new, but 1 was inserted')],
  ])('%s: infrastructure', (_, error) => {
    expect(classifyError(error)).toBe('infrastructure');
  });

  test.each([
    ['NUL in text', coded('22021')],
    ['number out of range', coded('22003')],
    ['CHECK violated', coded('23514')],
    ['null where none may be', coded('23502')],
    ['index row too large', coded('54000')],
    ['a trigger says no', coded('P0001')],
    ['a bug in a rule', new TypeError("Cannot read properties of undefined (reading 'x')")],
    ['a bug with a code of Node', coded('ERR_INVALID_ARG_TYPE')],
    ['not even an error', 'text'],
  ])('%s: the event', (_, error) => {
    expect(classifyError(error)).toBe('event');
  });
});

test.each([
  ['an event', coded('22021'), true],
  ['a lost race', new LostRace('1 row was new'), true],
  ['a deadlock', coded('40P01'), true],
  ['a row that was held too long', coded('55P03'), true],
  ['a statement that took too long', coded('57014'), true],
  ['one table without its right', coded('42501'), true],
  ['the server shuts down', coded('57P01'), false],
  ['the server is read only', coded('25006'), false],
  ['the disk is full', coded('53100'), false],
  ['the connection is gone', coded('ECONNRESET'), false],
  ['no answer', new Error('Query read timeout'), false],
])('%s: parts of the transaction may pass: %s', (_, error, parts) => {
  expect(mayPassInParts(error)).toBe(parts);
});

test('a statement time-out is told from a shutdown', () => {
  expect([coded('57014'), coded('57P01'), undefined].map(isStatementTimeout)).toEqual([true, false, false]);
});

test.each([
  ['the server became read only', coded('25006'), true],
  ['the server shuts down', coded('57P01'), true],
  ['the protocol is broken', coded('08P01'), true],
  ['the connection is gone', coded('ECONNRESET'), true],
  ['no answer', new Error('Query read timeout'), true],
  ['an event', coded('22021'), false],
  ['a deadlock', coded('40P01'), false],
  ['a statement that took too long', coded('57014'), false],
])('%s: the session is of no more use: %s', (_, error, ends) => {
  expect(endsSession(error)).toBe(ends);
});
