import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { now } from '#platform/time';
import { instant } from '#rules';
import type { Instant } from '#rules';

/** Anything with a lifetime. Started in order, stopped in reverse; a failed start stops what had started. */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  /** Finishes what is in flight; gives up and lets go of everything when the deadline passes. */
  stop(deadline: Instant): Promise<void>;
}

/** Hears how far a start has come. */
export interface StartListener {
  /** `index`: in the list of components. */
  readonly starting: (index: number) => void;
  readonly started: (index: number) => void;
}

/** Starts components in order. When one fails, those that had started are stopped and the failure is thrown. */
export const startAll = async (
  components: readonly Component[],
  log: Logger,
  drainMs: number,
  listener: StartListener,
): Promise<void> => {
  const started: Component[] = [];
  for (const [index, component] of components.entries()) {
    try {
      listener.starting(index);
      await component.start();
      started.push(component);
      listener.started(index);
    } catch (error) {
      log.error(
        { code: codeOf('start', 'component'), err: error, component: component.name },
        `${component.name} did not start`,
      );
      await stopAll(started, log, drainMs);
      throw error;
    }
  }
};

/**
 * Stops components in reverse order within `drainMs`; a component that fails to stop does not keep the others from it.
 */
export const stopAll = async (components: readonly Component[], log: Logger, drainMs: number): Promise<boolean> => {
  const deadline = instant(now() + drainMs);
  let clean = true;
  for (const component of components.toReversed()) {
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
  return clean;
};
