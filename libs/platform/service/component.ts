import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { now } from '#platform/time';
import { instant } from '#rules';
import type { Instant } from '#rules';

/** Anything with a lifetime. */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  /** Finishes what is in flight; gives up and lets go of everything when the deadline passes. */
  stop(deadline: Instant): Promise<void>;
}

/** Started in order, stopped in reverse. */
export type Lane = readonly Component[];

/** All that a process runs. */
export interface Plan {
  /** What every service uses: started before them, stopped after them. */
  readonly shared: Lane;
  /**
   * A lane a service. They start and stop side by side, because one that waits for its group or for its last fetch
   * keeps no other from doing so: as processes of their own they have no order either.
   */
  readonly services: readonly Lane[];
}

/** Hears how far a start has come. */
export interface StartListener {
  readonly starting: (component: Component) => void;
  readonly started: (component: Component) => void;
}

/** Services that start or stop at the same time; the others follow in their order. More than there are today. */
export const SERVICES_AT_ONCE_MAX = 16;

/** `work` never rejects. */
const sideBySide = async (lanes: readonly Lane[], work: (lane: Lane) => Promise<void>): Promise<void> => {
  const waiting = lanes.values();
  const next = async (): Promise<void> => {
    for (const lane of waiting) await work(lane);
  };
  await Promise.all(Array.from({ length: SERVICES_AT_ONCE_MAX }, next));
};

/**
 * Starts what is shared, then the services. When a component fails, no other begins; those that are starting are
 * waited for, all that had started are stopped, and the first failure is thrown.
 */
export const startAll = async (
  { shared, services }: Plan,
  log: Logger,
  drainMs: number,
  listener: StartListener,
): Promise<void> => {
  const started = new Set<Component>();
  const failures: unknown[] = [];
  const startLane = async (lane: Lane): Promise<void> => {
    for (const component of lane) {
      if (failures.length > 0) return;
      try {
        listener.starting(component);
        await component.start();
        started.add(component);
        listener.started(component);
      } catch (error) {
        failures.push(error);
        log.error(
          { code: codeOf('start', 'component'), err: error, component: component.name },
          `${component.name} did not start`,
        );
      }
    }
  };
  await startLane(shared);
  await sideBySide(services, startLane);
  if (failures.length === 0) return;
  const startedOf = (lane: Lane): Lane => lane.filter((component) => started.has(component));
  await stopAll({ shared: startedOf(shared), services: services.map(startedOf) }, log, drainMs);
  throw failures[0];
};

/**
 * Stops the services, then what is shared, all within `drainMs`; a component that fails to stop does not keep the
 * others from it. False when one did.
 */
export const stopAll = async ({ shared, services }: Plan, log: Logger, drainMs: number): Promise<boolean> => {
  const deadline = instant(now() + drainMs);
  let clean = true;
  const stopLane = async (lane: Lane): Promise<void> => {
    for (const component of lane.toReversed()) {
      try {
        await component.stop(deadline);
      } catch (error) {
        clean = false;
        log.error(
          { code: codeOf('stop', 'unclean'), err: error, component: component.name },
          `${component.name} did not stop cleanly`,
        );
      }
    }
  };
  await sideBySide(services, stopLane);
  await stopLane(shared);
  return clean;
};
