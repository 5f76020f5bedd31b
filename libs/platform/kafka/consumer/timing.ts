/** Runs `work`, which never rejects, again and again, never twice at once. */
export const repeat = (work: () => Promise<void>, everyMs: number): NodeJS.Timeout => {
  let running = false;
  return setInterval(() => {
    if (running) return;
    running = true;
    void work().finally(() => (running = false));
  }, everyMs);
};
