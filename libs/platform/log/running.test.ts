import { stripVTControlCharacters } from 'node:util';
import { createLevelSwitch, createLogger } from './index.ts';
import { prettyLine } from './pretty.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}
const open = (level = 'info') => {
  const lines: Line[] = [];
  const log = createLogger('test', level, { write: (line) => void lines.push(JSON.parse(line) as Line) });
  return { log, lines };
};

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('what says the same is logged once, and again with how often it came, as long as it comes', () => {
  const { log, lines } = open();
  const child = log.child({ service: 'payments' });
  for (let again = 0; again < 1_000; again++)
    child.warn({ err: new Error('connection refused'), againInMs: again }, 'Postgres is away');
  expect(lines.map(({ repeated }) => repeated)).toEqual([undefined]);
  jest.advanceTimersByTime(10_000);
  expect(lines.map(({ repeated }) => repeated)).toEqual([undefined, 999]);
  expect(lines[1]).toMatchObject({ level: 'warn', service: 'payments', msg: 'Postgres is away', againInMs: 999 });
  child.warn({ err: new Error('connection refused'), againInMs: 5 }, 'Postgres is away');
  jest.advanceTimersByTime(10_000);
  expect(lines.map(({ repeated }) => repeated)).toEqual([undefined, 999, 1]);
  jest.advanceTimersByTime(20_000);
  child.warn({ err: new Error('connection refused'), againInMs: 5 }, 'Postgres is away');
  expect(lines).toHaveLength(4);
});

test('another error, entity, service or level is another line, and what is no trouble is never held back', () => {
  const { log, lines } = open();
  const [payments, refunds] = ['payments', 'refunds'].map((service) => log.child({ service }));
  payments?.warn({ key: 'pay_1' }, 'tried in vain');
  payments?.warn({ key: 'pay_2' }, 'tried in vain');
  refunds?.warn({ key: 'pay_1' }, 'tried in vain');
  payments?.error({ key: 'pay_1' }, 'tried in vain');
  payments?.warn({ key: 'pay_1', err: new Error('another') }, 'tried in vain');
  payments?.error('without fields');
  for (let again = 0; again < 3; again++) payments?.info({ key: 'pay_1' }, 'applied');
  expect(lines).toHaveLength(9);
  payments?.error('without fields');
  jest.advanceTimersByTime(10_000);
  expect(lines[9]).toMatchObject({ msg: 'without fields', repeated: 1 });
});

test('a log and all that were made of it are switched to debug and back, by hand or after a quarter of an hour', () => {
  const { log, lines } = open('warn');
  const child = log.child({ service: 'payments' }).child({ topic: 'rzp.payments.v1' });
  const { toggle, stop } = createLevelSwitch(log);
  const says = (): boolean => {
    const before = lines.length;
    child.debug('detail');
    return lines.length > before;
  };
  expect(says()).toBe(false);
  toggle();
  expect(says()).toBe(true);
  toggle();
  expect([says(), log.level, child.level]).toEqual([false, 'warn', 'warn']);
  toggle();
  jest.advanceTimersByTime(15 * 60_000);
  expect(says()).toBe(false);
  stop();
});

test('in a terminal a line is read as time, level, service, what happened and the fields', () => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-11-28T10:11:12.345Z',
    program: 'dakia',
    service: 'payments',
    key: 'pay_1',
    attempts: 3,
    err: { type: 'Error', message: 'refused', stack: 'Error: refused\n    at here' },
    msg: 'tried in vain',
  });
  expect(stripVTControlCharacters(prettyLine(line))).toBe(
    '10:11:12.345 WARN  payments tried in vain key=pay_1 attempts=3 error=refused type=Error\n' +
      'Error: refused\n    at here\n',
  );
});
