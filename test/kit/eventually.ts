/** Between two looks at a condition. */
const LOOK_EVERY_MS = 25;

/**
 * Waits until `look` answers something other than undefined or false, and returns it. Fails after `limitMs` with `what`
 * and the last thing that `look` threw. Tests wait for facts with this; nothing in them waits for time to pass.
 */
export const eventually = async <Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  limitMs = 15_000,
): Promise<Value> => {
  const end = performance.now() + limitMs;
  let last: unknown = 'it never became true';
  while (performance.now() < end) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`not within ${limitMs} ms: ${what} (${last instanceof Error ? last.message : String(last)})`);
};
