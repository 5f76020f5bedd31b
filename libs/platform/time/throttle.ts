export interface Throttle {
  /**
   * Whether `kind` may be said now. Undefined while the last time is too near;
   * otherwise how often it was held back since then. Each kind has a time of its own.
   */
  readonly admit: (kind?: string) => number | undefined;
  /** What comes next is said, however near. */
  readonly reset: () => void;
}

/** Kinds remembered; beyond it the memory starts anew. */
const KINDS_MAX = 200;

/** Lets the same thing through once in `everyMs`: what fails again and again must not fill the log. */
export const createThrottle = (everyMs: number): Throttle => {
  const said = new Map<string, { readonly at: number; heldBack: number }>();
  return {
    admit: (kind = '') => {
      const at = performance.now();
      const last = said.get(kind);
      if (last !== undefined && at - last.at < everyMs) {
        last.heldBack += 1;
        return undefined;
      }
      if (said.size >= KINDS_MAX) said.clear();
      said.set(kind, { at, heldBack: 0 });
      return last?.heldBack ?? 0;
    },
    reset: () => said.clear(),
  };
};
