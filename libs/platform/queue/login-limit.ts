/** Wrong logins of one address within WINDOW_MS, in ms, after which it is not listened to until the window is over. */
const WRONG_MAX = 10;
const WINDOW_MS = 60_000;
/** Addresses that are remembered. When more than that guess at once, the oldest is forgotten. */
const ADDRESSES_MAX = 10_000;

/** Counts wrong logins by address, so that a password cannot be guessed by trying. */
export interface LoginLimit {
  /** Whether the address may try, at this time in ms. */
  readonly allows: (address: string, at: number) => boolean;
  readonly failed: (address: string, at: number) => void;
}

export const createLoginLimit = (): LoginLimit => {
  const windows = new Map<string, { wrong: number; readonly until: number }>();
  const windowOf = (address: string, at: number) => {
    const window = windows.get(address);
    if (window !== undefined && window.until > at) return window;
    windows.delete(address);
    return undefined;
  };
  return {
    allows: (address, at) => (windowOf(address, at)?.wrong ?? 0) < WRONG_MAX,
    failed: (address, at) => {
      const window = windowOf(address, at);
      if (window !== undefined) {
        window.wrong += 1;
        return;
      }
      const [oldest] = windows.keys();
      if (windows.size >= ADDRESSES_MAX && oldest !== undefined) windows.delete(oldest);
      windows.set(address, { wrong: 1, until: at + WINDOW_MS });
    },
  };
};
