import { createLogger } from '#platform/log';
import { SERVICES_AT_ONCE_MAX, startAll, stopAll } from './component.ts';
import type { Component, Lane, Plan } from './component.ts';

const DRAIN_MS = 5_000;
/** Turns of the event loop that a slow start takes; any other takes one. */
const SLOW_TURNS = 5;
const turns = async (count: number): Promise<void> => {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => void setImmediate(resolve));
};

/** `heard`: `(a` a starts, `a)` it has started, `[a` it stops, `a]` it has stopped, `!a` it fails. */
interface Fixture {
  readonly plan: Plan;
  readonly heard: string[];
  readonly logged: string[];
  readonly log: ReturnType<typeof createLogger>;
}

/** `s t | a b | c d`: the shared components, then a lane a service. `a~` starts slowly, `a!` does not, `a?` does not stop. */
const fixture = (drawing: string): Fixture => {
  const heard: string[] = [];
  const logged: string[] = [];
  const componentOf = (text: string): Component => {
    const name = text.replace(/\W/, '');
    const fail = (): never => {
      heard.push(`!${name}`);
      throw new Error(`${name} is broken`);
    };
    return {
      name,
      start: async () => {
        heard.push(`(${name}`);
        await turns(text.endsWith('~') ? SLOW_TURNS : 1);
        if (text.endsWith('!')) fail();
        heard.push(`${name})`);
      },
      stop: async () => {
        heard.push(`[${name}`);
        await turns(1);
        if (text.endsWith('?')) fail();
        heard.push(`${name}]`);
      },
    };
  };
  const [shared = [], ...services] = drawing
    .split('|')
    .map((lane): Lane => lane.trim().split(/\s+/).filter(Boolean).map(componentOf));
  const write = (line: string): void => void logged.push((JSON.parse(line) as { readonly msg: string }).msg);
  return { plan: { shared, services }, heard, logged, log: createLogger('test', 'error', { write }) };
};
const nobody = { starting: () => undefined, started: () => undefined };

test.each<[string, string, string]>([
  ['one after the other in a service, services side by side', '| a b | c d', '(a (c a) (b c) (d b) d)'],
  ['what is shared before any of them', 's t | a | b', '(s s) (t t) (a (b a) b)'],
  ['a service keeps no other waiting', '| a~ b | c d', '(a (c c) (d d) a) (b b)'],
])('start: %s', async (_name, drawing, expected) => {
  const { plan, heard, log } = fixture(drawing);
  await startAll(plan, log, DRAIN_MS, nobody);
  expect(heard.join(' ')).toBe(expected);
});

test.each<[string, string, string, readonly string[]]>([
  ['of what is shared: no service begins', 's t! | a', '(s s) (t !t [s s]', ['t']],
  [
    'nothing more begins; all that had started stop',
    's | a b! c | d',
    '(s s) (a (d a) (b d) !b [a [d a] d] [s s]',
    ['b'],
  ],
  ['what is starting is waited for, and stopped', 's | a! | b~ c', '(s s) (a (b !a b) [b b] [s s]', ['a']],
  ['each is said, the first is thrown', '| a~ | b! | c!', '(a (b (c !b !c a) [a a]', ['b', 'c']],
])('a failed start %s', async (_name, drawing, expected, failing) => {
  const { plan, heard, log, logged } = fixture(drawing);
  await expect(startAll(plan, log, DRAIN_MS, nobody)).rejects.toThrow(`${String(failing[0])} is broken`);
  expect(heard.join(' ')).toBe(expected);
  expect(logged).toEqual(failing.map((name) => `${name} did not start`));
});

test.each<[string, string, string, readonly string[]]>([
  [
    'in reverse, services side by side, what is shared last',
    's t | a b | c d',
    '[b [d b] [a d] [c a] c] [t t] [s s]',
    [],
  ],
  ['a component that fails keeps no other from it', 's | a b? | c', '[b [c !b [a c] a] [s s]', ['b']],
])('stop: %s', async (_name, drawing, expected, failing) => {
  const { plan, heard, log, logged } = fixture(drawing);
  expect(await stopAll(plan, log, DRAIN_MS)).toBe(failing.length === 0);
  expect(heard.join(' ')).toBe(expected);
  expect(logged).toEqual(failing.map((name) => `${name} did not stop cleanly`));
});

test('more services than may start at once follow in their order', async () => {
  const names = Array.from({ length: SERVICES_AT_ONCE_MAX + 2 }, (_, index) => `n${index}`);
  const { plan, heard, log } = fixture(`| ${names.join(' | ')}`);
  await startAll(plan, log, DRAIN_MS, nobody);
  expect(heard.slice(0, SERVICES_AT_ONCE_MAX + 1)).toEqual([
    ...names.slice(0, SERVICES_AT_ONCE_MAX).map((name) => `(${name}`),
    'n0)',
  ]);
  expect(heard.filter((what) => what.endsWith(')')).map((what) => what.slice(0, -1))).toEqual(names);
});
