import type { Logger } from 'pino';

/** How long the log stays at another level, in ms: nobody has to think of setting it back. */
const DETAILED_MS = 15 * 60_000;

/** The loggers that were made of one, weakly: those of a partition that is gone go, too. */
const familyOf = new WeakMap<Logger, Set<WeakRef<Logger>>>();
/** Beyond so many those that are gone are forgotten. */
const CHILDREN_LOOK = 100;

/** For pino's `onChild`. pino gives a child the level that its parent has then, and never again. */
export const rememberChildren = (): {
  readonly of: (log: Logger) => void;
  readonly onChild: (child: Logger) => void;
} => {
  const children = new Set<WeakRef<Logger>>();
  return {
    of: (log) => void familyOf.set(log, children),
    onChild: (child) => {
      if (children.size >= CHILDREN_LOOK)
        for (const ref of children) if (ref.deref() === undefined) children.delete(ref);
      children.add(new WeakRef(child));
    },
  };
};

const setLevel = (log: Logger, level: string): void => {
  log.level = level;
  for (const ref of familyOf.get(log) ?? []) {
    const child = ref.deref();
    if (child !== undefined) child.level = level;
  }
};

/**
 * Switches a log, with all that were made of it, between its level and a more detailed one: `debug`, or `trace` where it is that
 * already. It goes back by itself after DETAILED_MS.
 */
export const createLevelSwitch = (log: Logger): { readonly toggle: () => void; readonly stop: () => void } => {
  const usual = log.level;
  const detailed = usual === 'debug' || usual === 'trace' ? 'trace' : 'debug';
  let timer: NodeJS.Timeout | undefined;

  const back = (): void => {
    clearTimeout(timer);
    timer = undefined;
    setLevel(log, usual);
    log.info({ logLevel: usual }, `the log is at ${usual} again`);
  };
  return {
    toggle: () => {
      if (timer !== undefined) return back();
      setLevel(log, detailed);
      timer = setTimeout(back, DETAILED_MS).unref();
      const until = new Date(Date.now() + DETAILED_MS).toISOString();
      log.info({ logLevel: detailed, until }, `the log is at ${detailed} for a while; another SIGUSR2 ends that`);
    },
    stop: () => clearTimeout(timer),
  };
};
