import type { Component, StartListener } from './component.ts';
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
  /** All components, as they are to be shown. Unready until each has started. */
  readonly expect: (components: readonly Component[]) => void;
  readonly drain: () => void;
  readonly report: () => ReadinessReport;
}

/** `onReady` is called once. */
export const createReadiness = (
  dependencies: () => Readonly<Record<string, DependencyState>>,
  onReady: () => void,
): Readiness => {
  const checks: ReadinessCheck[] = [];
  /** By component and not by name: several services have a component of the same name. */
  const stages = new Map<Component, Stage>();
  const begunAt = new Map<Component, number>();
  let wasReady = false;
  let isDraining = false;

  const change = (component: Component, to: Omit<Stage, 'name'>): void =>
    void stages.set(component, { name: component.name, ...to });
  const missing = (): readonly string[] => {
    const unstarted = [...stages.values()]
      .filter(({ state }) => state !== 'started')
      .map(({ name, state }) => `${name}: ${state}`);
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
    expect: (components) => {
      for (const component of components) change(component, { state: 'waiting' });
    },
    starting: (component) => {
      begunAt.set(component, performance.now());
      change(component, { state: 'starting' });
    },
    started: (component) => {
      const ms = performance.now() - (begunAt.get(component) ?? 0);
      change(component, { state: 'started', ms: Math.round(ms) });
    },
    drain: () => (isDraining = true),
    report: () => {
      const found = reasons();
      return {
        status: found.length === 0 ? 'ready' : 'not ready',
        reasons: found,
        stages: [...stages.values()],
        dependencies: dependencies(),
      };
    },
  };
};
