import { createLogger } from '#platform/log';
import type { Disposition } from '#rules';
import { TEST_NOW, testEvent, undecodableRecord } from '../../test/kit/test-store.ts';
import type { Arrival } from './arrival.ts';
import { arrivalOf } from './arrival.ts';
import { logDecisions, logTransaction } from './log-decisions.ts';
import type { Decision } from './reduce-events.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const place = { topic: 'rzp.payments.v1', partition: 3 };
const all = { has: () => true };
const arrived = (id: string, offset = 7n): Arrival => ({
  ...arrivalOf(
    { offset, key: null, value: Buffer.from('raw'), envelope: testEvent('payment.captured', id, `pay_${id}`) },
    place,
    all,
    TEST_NOW,
  ),
  traceparent: `00-${TRACE}-00f067aa0ba902b7-00`,
});
const decided = (arrival: Arrival, disposition: Disposition, reason: string | null = null): Decision => ({
  arrival,
  disposition,
  reason,
  from: null,
  to: null,
  facts: [],
});
const about = (id: string) => ({
  eventId: id,
  event: 'payment.captured',
  family: 'payments',
  key: `pay_${id}`,
  traceId: TRACE,
  partition: 'rzp.payments.v1/3',
  offset: '7',
});

type Line = Readonly<Record<string, unknown>>;
const linesOf = (level: string, work: (log: ReturnType<typeof createLogger>) => void): readonly Line[] => {
  const lines: Line[] = [];
  work(
    createLogger('test', level, {
      write: (text) => {
        const { time: _time, program: _program, ...line } = JSON.parse(text) as Line;
        lines.push(line);
      },
    }),
  );
  return lines;
};

const everyKind: readonly Decision[] = [
  decided(arrived('applied'), 'applied'),
  decided(arrived('copy'), 'duplicate'),
  decided(arrived('parked'), 'parked', 'refused'),
  decided(arrived('odd'), 'quarantined', 'unknown-event'),
  decided({ ...arrived('second'), claimedId: 'first' }, 'applied'),
];

test('what needs a person is a warning with event, family, key and trace; the others have their lines at debug', () => {
  const told = linesOf('info', (log) => logDecisions(log, everyKind));
  expect(told).toEqual([
    { level: 'warn', ...about('parked'), reason: 'refused', msg: 'an event is parked' },
    { level: 'warn', ...about('odd'), reason: 'unknown-event', msg: 'an event is quarantined' },
    { level: 'warn', ...about('second'), claimedId: 'first', msg: 'an event is applied' },
  ]);
  const detailed = linesOf('debug', (log) => logDecisions(log, everyKind));
  expect(detailed.map(({ eventId }) => eventId)).toEqual(['applied', 'copy', 'parked', 'odd', 'second']);
  expect(detailed[0]).toEqual({ level: 'debug', ...about('applied'), msg: 'an event is applied' });
});

test('a record that no schema reads has a line with its place', () => {
  const record = { offset: 7n, key: null, value: Buffer.from('raw'), envelope: undecodableRecord() };
  const [line] = linesOf('info', (log) =>
    logDecisions(log, [decided(arrivalOf(record, place, all, TEST_NOW), 'quarantined', 'undecodable')]),
  );
  expect(line).toMatchObject({ level: 'warn', partition: 'rzp.payments.v1/3', offset: '7', reason: 'undecodable' });
  expect(line).not.toHaveProperty('key');
});

test('a transaction is one line: of a single event with all that is known of it, of many with their ids up to a bound', () => {
  const [one] = linesOf('info', (log) =>
    logTransaction(log, everyKind.slice(0, 1), { partitions: 1, ms: 4, traceId: 'of the transaction' }),
  );
  expect(one).toEqual({
    level: 'info',
    ...about('applied'),
    partitions: 1,
    ms: 4,
    events: 1,
    applied: 1,
    msg: 'a batch is applied',
  });
  const many = Array.from({ length: 130 }, (_, index) =>
    decided(arrived(`ev_${index}`), index < 120 ? 'applied' : 'stale'),
  );
  const [line] = linesOf('info', (log) => logTransaction(log, many, { partitions: 2, ms: 4, traceId: TRACE }));
  expect(line).toEqual({
    level: 'info',
    partitions: 2,
    ms: 4,
    traceId: TRACE,
    events: 130,
    applied: 120,
    stale: 10,
    eventIds: Array.from({ length: 100 }, (_, index) => `ev_${index}`),
    msg: 'a batch is applied',
  });
});
