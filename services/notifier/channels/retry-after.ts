/** A receiver may not hold a notification back for longer than this. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/** Reads `Retry-After`: seconds or an HTTP date (RFC 9110 §10.2.3). undefined for what is neither. */
export const retryAfterMs = (header: string | undefined, nowMs: number): number | undefined => {
  if (header === undefined) return undefined;
  const text = header.trim();
  const waitMs = /^\d{1,10}$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2},? /.test(text)
      ? Date.parse(text) - nowMs
      : NaN;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MAX_MS);
};
