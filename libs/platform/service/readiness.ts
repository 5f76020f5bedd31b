import type { StartListener } from './component.ts';
import type { DependencyState } from './dependencies.ts';

/**
 * Why a process cannot do its job yet, or nothing. Asked until all have had nothing to say once, and then never again.
 */
export type ReadinessCheck = () => string | undefined;

/** A component on its way: `ms` is how long its start took. */
export interface Stage {
  readonly name: string;
  readonly state: 'waiting' | 'starting' | 'started';
  readonly ms?: number;
}

/** The body of /readyz. */
export interface ReadinessReport {
  readonly status: 'ready' | 'not ready';
  readonly reasons: readonly string[];
  readonly stages: readonly Stage[];
  readonly dependencies: Readonly<Record<string, DependencyState>>;
}

/**
 * Whether a process can do its job when it is asked now. Once it could, only draining makes it unready: Kafka, Postgres
 * or Redis being away is no reason to take it out of service, because no other process would do better.
 */
export interface Readiness extends StartListener {
  readonly addCheck: (check: ReadinessCheck) => void;
  /** The components in order of start. Unready until each has started. */
  readonly expect: (names: readonly string[]) => void;
  readonly drain: () => void;
  readonly report: () => ReadinessReport;
}

/** `onReady` is called once. */
export const createReadiness = (
  dependencies: () => Readonly<Record<string, DependencyState>>,
  onReady: () => void,
): Readiness => {
  const checks: ReadinessCheck[] = [];
  let stages: Stage[] = [];
  let begunAt = 0;
  let wasReady = false;
  let isDraining = false;

  const change = (at: number, to: Omit<Stage, 'name'>): void => {
    stages = stages.map((stage, index) => (index === at ? { name: stage.name, ...to } : stage));
  };
  const missing = (): readonly string[] => {
    const unstarted = stages.filter(({ state }) => state !== 'started').map(({ name, state }) => `${name}: ${state}`);
    return [...unstarted, ...checks.flatMap((check) => check() ?? [])];
  };
  const reasons = (): readonly string[] => {
    if (isDraining) return ['draining'];
    if (wasReady) return [];
    const found = missing();
    if (found.length > 0) return found;
    wasReady = true;
    onReady();
    return [];
  };

  return {
    addCheck: (check) => void checks.push(check),
    expect: (names) => (stages = names.map((name) => ({ name, state: 'waiting' }))),
    starting: (index) => {
      begunAt = performance.now();
      change(index, { state: 'starting' });
    },
    started: (index) => change(index, { state: 'started', ms: Math.round(performance.now() - begunAt) }),
    drain: () => (isDraining = true),
    report: () => {
      const found = reasons();
      return {
        status: found.length === 0 ? 'ready' : 'not ready',
        reasons: found,
        stages,
        dependencies: dependencies(),
      };
    },
  };
};
