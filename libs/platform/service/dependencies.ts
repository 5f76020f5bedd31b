import { gaugeOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';

/** A server that a process works with, and how to ask whether it answers. */
export interface Dependency {
  /** The label of the gauge: one of a fixed few. */
  readonly name: 'kafka' | 'postgres' | 'redis';
  /** Resolves when it answers, rejects with the reason. Not asked again before it has settled. */
  readonly ping: () => Promise<unknown>;
  /** Lets go of what `ping` keeps open. */
  readonly close?: () => void;
}

/** Of one dependency. `up` and `since` are null until it was heard of; the last error stays after it is up again. */
export interface DependencyState {
  readonly up: boolean | null;
  /** When it came up or went down, ISO 8601. */
  readonly since: string | null;
  readonly lastError: string | null;
}

/** Pause between two looks, and the time after which one without an answer counts as down, in ms. */
const ASK_EVERY_MS = 5_000;
const ANSWER_WITHIN_MS = 3_000;

/** Tells how the dependencies of a process are; nobody who asks waits for them. */
export interface Dependencies {
  /** Services of one process share their servers: the first of a name is the one that is asked. */
  readonly watch: (dependency: Dependency) => void;
  readonly states: () => Readonly<Record<string, DependencyState>>;
  readonly start: () => void;
  readonly stop: () => void;
}

export const createDependencies = (registry: Registry): Dependencies => {
  const watched = new Map<string, Watched>();
  const gauge = gaugeOf(registry, 'dakia_dependency_up');
  return {
    watch: (dependency) => {
      if (watched.has(dependency.name)) return dependency.close?.();
      watched.set(
        dependency.name,
        watch(dependency, (up) => gauge.set({ dependency: dependency.name }, up ? 1 : 0)),
      );
    },
    states: () => Object.fromEntries([...watched].map(([name, { state }]) => [name, state()])),
    start: () => watched.forEach(({ start }) => start()),
    stop: () => watched.forEach(({ stop }) => stop()),
  };
};

interface Watched {
  readonly state: () => DependencyState;
  readonly start: () => void;
  readonly stop: () => void;
}

const watch = ({ ping, close }: Dependency, onChange: (up: boolean) => void): Watched => {
  let state: DependencyState = { up: null, since: null, lastError: null };
  let timer: NodeJS.Timeout | undefined;
  let isAsking = false;

  const became = (up: boolean, lastError: string | null): void => {
    const since = state.up === up ? state.since : new Date().toISOString();
    state = { up, since, lastError };
    onChange(up);
  };
  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    const late = setTimeout(() => became(false, `no answer within ${ANSWER_WITHIN_MS} ms`), ANSWER_WITHIN_MS).unref();
    try {
      await ping();
      became(true, state.lastError);
    } catch (error) {
      became(false, error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(late);
      isAsking = false;
    }
  };

  return {
    state: () => state,
    start: () => {
      void ask();
      timer = setInterval(() => void ask(), ASK_EVERY_MS).unref();
    },
    stop: () => {
      clearInterval(timer);
      close?.();
    },
  };
};
