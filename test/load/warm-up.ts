/** A step that is less than this much faster than the best before it no longer rises. */
const RISE = 1.05;
/** So many steps without a rise: a single slow one may be a neighbour's. */
const LEVEL_STEPS = 2;
const STEPS_MAX = 20;

/**
 * Repeats a step until its rate stops rising: a server that has just started runs at a fraction of its speed, and
 * rounds measured then spoil the medians. Answers the number of steps that it took.
 */
export const warmUp = async (step: () => Promise<number>): Promise<number> => {
  let [best, level] = [0, 0];
  for (let steps = 1; steps <= STEPS_MAX; steps += 1) {
    const rate = await step();
    level = rate > best * RISE ? 0 : level + 1;
    best = Math.max(best, rate);
    if (level >= LEVEL_STEPS) return steps;
  }
  return STEPS_MAX;
};
