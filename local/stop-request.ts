/** How a person or a supervisor asks the launcher to end. */
export interface StopRequest {
  /** Resolves with the reason at the first request. */
  readonly requested: Promise<string>;
  /** Aborted at the first request, for what can be cut short. */
  readonly signal: AbortSignal;
  /** Resolves when somebody asks again: everything is to end at once. */
  readonly insisted: Promise<void>;
}

/**
 * One Ctrl-C arrives up to three times: from the terminal, from npm and from
 * the bootstrap. What comes within this time of the first is an echo of it.
 */
const ECHO_MS = 1_000;

export const listenForStop = (): StopRequest => {
  const requested = Promise.withResolvers<string>();
  const insisted = Promise.withResolvers<void>();
  const controller = new AbortController();
  let firstMs: number | undefined;
  const ask = (reason: string): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      controller.abort();
      requested.resolve(reason);
    } else if (performance.now() - firstMs > ECHO_MS) {
      insisted.resolve();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ask(signal));
  // The bootstrap was killed: nobody is left to pass a signal on.
  process.once('disconnect', () => ask('the process that started this one has ended'));
  process.channel?.unref();
  return { requested: requested.promise, signal: controller.signal, insisted: insisted.promise };
};
