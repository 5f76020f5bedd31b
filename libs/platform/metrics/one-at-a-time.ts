/**
 * Longest time in ms that a scrape waits for Postgres or Redis: one
 * that is away or frozen must not keep it from the rest.
 */
const SCRAPE_WAITS_MS = 100;

/**
 * For gauges that ask a server. prom-client asks all gauges of a scrape at the same
 * time: those that show parts of one answer share the reading that gets it. One that
 * is late goes on by itself; the scrape shows the last answer. `refresh` must not reject.
 */
export const oneAtATime = (refresh: () => Promise<void>): (() => Promise<void>) => {
  let asked: Promise<void> | undefined;
  return async () => {
    asked ??= refresh().finally(() => (asked = undefined));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, SCRAPE_WAITS_MS);
    await Promise.race([asked, late.promise]);
    clearTimeout(timer);
  };
};
