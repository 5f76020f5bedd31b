import { begun, circuitWaitMs, closedCircuit, ended } from './circuit.ts';
import type { Circuit, CircuitRule } from './circuit.ts';

const NOW = 1_000_000;
const rule: CircuitRule = { failuresToOpen: 5, coolDownMs: 10_000, coolDownMaxMs: 300_000, probeMs: 700 };
const { coolDownMs } = rule;
const open: Circuit = { kind: 'open', untilMs: NOW + 500, coolDownMs };
const probing: Circuit = { kind: 'probing', untilMs: NOW + 700, coolDownMs };

test.each<[string, Circuit, boolean, Circuit]>([
  ['a failure is counted', closedCircuit, false, { kind: 'closed', failures: 1 }],
  ['a success forgets failures', { kind: 'closed', failures: 4 }, true, closedCircuit],
  [
    'the last failure opens',
    { kind: 'closed', failures: rule.failuresToOpen - 1 },
    false,
    { kind: 'open', untilMs: NOW + coolDownMs, coolDownMs },
  ],
  ['a failure that had begun before changes nothing', open, false, open],
  ['a success that had begun before closes', open, true, closedCircuit],
  ['a probe that succeeds closes', probing, true, closedCircuit],
  [
    'a probe that fails opens for twice as long',
    probing,
    false,
    { kind: 'open', untilMs: NOW + 2 * coolDownMs, coolDownMs: 2 * coolDownMs },
  ],
  [
    'but not for ever longer',
    { ...probing, coolDownMs: rule.coolDownMaxMs },
    false,
    { kind: 'open', untilMs: NOW + rule.coolDownMaxMs, coolDownMs: rule.coolDownMaxMs },
  ],
])('ended: %s', (_name, circuit, isAlive, expected) => {
  expect(ended(circuit, isAlive, rule, NOW)).toEqual(expected);
});

test.each<[string, Circuit, number, Circuit]>([
  ['closed: no wait, stays closed', closedCircuit, 0, closedCircuit],
  ['open: until its time', open, 500, probing],
  ['open and over: no wait, the next is the probe', { ...open, untilMs: NOW - 1 }, 0, probing],
  ['probing: only one at a time', probing, 700, probing],
  ['a probe without an outcome: the next one goes', { ...probing, untilMs: NOW - 1 }, 0, probing],
])('begun: %s', (_name, circuit, waitMs, next) => {
  expect(circuitWaitMs(circuit, NOW)).toBe(waitMs);
  expect(begun(circuit, rule, NOW)).toEqual(next);
});
