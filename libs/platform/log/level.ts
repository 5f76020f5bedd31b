import type { Logger } from 'pino';

/** How long the log stays at another level, in ms: nobody has to think of setting it back. */
const DETAILED_MS = 15 * 60_000;

/**
 * Switches a log, and with it all that were made of it, between its level and a more detailed one: `debug`, or `trace`
 * where it is that already. It goes back by itself after DETAILED_MS.
 */
export const createLevelSwitch = (log: Logger): { readonly toggle: () => void; readonly stop: () => void } => {
  const usual = log.level;
  const detailed = usual === 'debug' || usual === 'trace' ? 'trace' : 'debug';
  let timer: NodeJS.Timeout | undefined;

  const back = (): void => {
    clearTimeout(timer);
    timer = undefined;
    log.level = usual;
    log.info({ logLevel: usual }, `the log is at ${usual} again`);
  };
  return {
    toggle: () => {
      if (timer !== undefined) return back();
      log.level = detailed;
      timer = setTimeout(back, DETAILED_MS).unref();
      const until = new Date(Date.now() + DETAILED_MS).toISOString();
      log.info({ logLevel: detailed, until }, `the log is at ${detailed} for a while; another SIGUSR2 ends that`);
    },
    stop: () => clearTimeout(timer),
  };
};
