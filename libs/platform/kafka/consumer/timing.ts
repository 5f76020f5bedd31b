import { now } from '#platform/time';
import type { Instant } from '#rules';

/** Runs `work`, which never rejects, again and again, never twice at once. */
export const repeat = (work: () => Promise<void>, everyMs: number): NodeJS.Timeout => {
  let running = false;
  return setInterval(() => {
    if (running) return;
    running = true;
    void work().finally(() => (running = false));
  }, everyMs);
};

/** Settles as `work` does, or rejects with `otherwise` at the deadline; `work` then goes on unheard. */
export const within = async (deadline: Instant, work: Promise<void>, otherwise: string): Promise<void> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(otherwise)), Math.max(0, deadline - now()));
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
