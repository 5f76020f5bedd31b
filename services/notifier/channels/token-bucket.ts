/** Deliveries that may begin: one token each, refilled steadily. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export interface Rate {
  readonly perSecond: number;
  /** Tokens that gather while nothing is sent. */
  readonly burst: number;
}

/** A rate of one second's worth of burst, and at least one, or nothing would ever be sent. */
export const rateOf = (perSecond: number): Rate => ({ perSecond, burst: Math.max(1, perSecond) });
export const fullBucket = ({ burst }: Rate, nowMs: number): Bucket => ({ tokens: burst, atMs: nowMs });

/** A clock that goes backwards refills nothing, and takes nothing away. */
const refilled = ({ tokens, atMs }: Bucket, { perSecond, burst }: Rate, nowMs: number): number =>
  Math.min(burst, tokens + (Math.max(nowMs - atMs, 0) / 1000) * perSecond);

/** A token refilled over many small steps may be short by what doubles lose. */
const TOLERANCE = 1e-9;

/** How long until there is a token, in whole ms; 0: now. */
export const tokenWaitMs = (bucket: Bucket, rate: Rate, nowMs: number): number => {
  const missing = 1 - refilled(bucket, rate, nowMs) - TOLERANCE;
  return missing <= 0 ? 0 : Math.ceil((missing / rate.perSecond) * 1000);
};

export const taken = (bucket: Bucket, rate: Rate, nowMs: number): Bucket => ({
  tokens: refilled(bucket, rate, nowMs) - 1,
  atMs: nowMs,
});
