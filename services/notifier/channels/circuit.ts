/** Failures in a row after which a destination is taken for dead. */
export const FAILURES_TO_OPEN = 5;
/** How long it is left alone, in ms: doubled with each probe that fails, up to the most. */
export const COOL_DOWN_MS = 10_000;
export const COOL_DOWN_MAX_MS = 300_000;

/** closed: deliveries flow. open: none until then. probing: one is under way, to find out. */
export type Circuit =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly untilMs: number; readonly coolDownMs: number }
  | { readonly kind: 'probing'; readonly coolDownMs: number };

export const closedCircuit: Circuit = { kind: 'closed', failures: 0 };

/** How long a delivery has to wait for the circuit, in ms; 0: not at all. `probeMs` is what a probe under way may still take. */
export const circuitWaitMs = (circuit: Circuit, nowMs: number, probeMs: number): number =>
  circuit.kind === 'closed' ? 0 : circuit.kind === 'probing' ? probeMs : Math.max(circuit.untilMs - nowMs, 0);

/** A delivery begins, which `circuitWaitMs` had allowed. */
export const begun = (circuit: Circuit): Circuit =>
  circuit.kind === 'open' ? { kind: 'probing', coolDownMs: circuit.coolDownMs } : circuit;

/** A delivery ended; `isAlive` when the destination answered in any way that is not "later". */
export const ended = (circuit: Circuit, isAlive: boolean, nowMs: number): Circuit => {
  if (isAlive) return closedCircuit;
  switch (circuit.kind) {
    case 'closed': {
      const failures = circuit.failures + 1;
      return failures < FAILURES_TO_OPEN
        ? { kind: 'closed', failures }
        : { kind: 'open', untilMs: nowMs + COOL_DOWN_MS, coolDownMs: COOL_DOWN_MS };
    }
    case 'probing': {
      const coolDownMs = Math.min(circuit.coolDownMs * 2, COOL_DOWN_MAX_MS);
      return { kind: 'open', untilMs: nowMs + coolDownMs, coolDownMs };
    }
    case 'open':
      // One that had begun before the circuit opened: nothing new.
      return circuit;
  }
};
