/** When something that fails is left alone, and how it is found out that it is well again. */
export interface CircuitRule {
  /** Failures in a row after which it is taken for dead. */
  readonly failuresToOpen: number;
  /** How long it is left alone, in ms: doubled with each probe that fails, up to the most. */
  readonly coolDownMs: number;
  readonly coolDownMaxMs: number;
  /** How long a probe without an outcome keeps the next one back, in ms. */
  readonly probeMs: number;
}

/** closed: all may begin. open: nothing until then. probing: one is under way, to find out; the next may begin then. */
export type Circuit =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open' | 'probing'; readonly untilMs: number; readonly coolDownMs: number };

export const closedCircuit: Circuit = { kind: 'closed', failures: 0 };

/** How long to wait for the circuit, in ms; 0: not at all. Times are of a monotonic clock. */
export const circuitWaitMs = (circuit: Circuit, nowMs: number): number =>
  circuit.kind === 'closed' ? 0 : Math.max(circuit.untilMs - nowMs, 0);

/** Something begins, which `circuitWaitMs` had allowed. */
export const begun = (circuit: Circuit, { probeMs }: CircuitRule, nowMs: number): Circuit =>
  circuit.kind === 'closed' ? circuit : { ...circuit, kind: 'probing', untilMs: nowMs + probeMs };

/** Something ended; `isAlive` when it showed that the other side is there. */
export const ended = (circuit: Circuit, isAlive: boolean, rule: CircuitRule, nowMs: number): Circuit => {
  if (isAlive) return closedCircuit;
  const opened = (coolDownMs: number): Circuit => ({ kind: 'open', untilMs: nowMs + coolDownMs, coolDownMs });
  switch (circuit.kind) {
    case 'closed':
      return circuit.failures + 1 < rule.failuresToOpen
        ? { kind: 'closed', failures: circuit.failures + 1 }
        : opened(rule.coolDownMs);
    case 'probing':
      return opened(Math.min(circuit.coolDownMs * 2, rule.coolDownMaxMs));
    case 'open':
      // It had begun before the circuit opened: nothing new.
      return circuit;
  }
};
