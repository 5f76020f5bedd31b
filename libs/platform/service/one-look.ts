/** prom-client asks all gauges of a scrape at the same time: those that show parts of one answer share the look that gets it. */
export const oneLook = (look: () => Promise<void>): (() => Promise<void>) => {
  let asked: Promise<void> | undefined;
  return () => (asked ??= look().finally(() => (asked = undefined)));
};
