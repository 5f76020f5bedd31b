/** Deliveries that are being read or stored at once, and the bytes of their bodies. Memory is bounded by this. */
const REQUESTS_MAX = 5_000;
const BYTES_MAX = 64 * 1024 * 1024;

/** One delivery's share of the bounds. */
export interface Place {
  /** Counts bytes of the body as they arrive, not as they are announced; false when there is no room. */
  readonly reserve: (bytes: number) => boolean;
  readonly leave: () => void;
}

export interface Admission {
  readonly enter: () => Place | 'draining' | 'requests-full' | 'bytes-full';
  /** From now on nobody is let in. */
  readonly close: () => void;
  readonly load: () => { readonly requests: number; readonly bytes: number };
}

export const createAdmission = (): Admission => {
  let requests = 0;
  let bytes = 0;
  let isClosed = false;
  return {
    enter: () => {
      if (isClosed) return 'draining';
      if (requests >= REQUESTS_MAX) return 'requests-full';
      if (bytes >= BYTES_MAX) return 'bytes-full';
      requests++;
      let mine = 0;
      return {
        reserve: (more) => {
          if (bytes + more > BYTES_MAX) return false;
          bytes += more;
          mine += more;
          return true;
        },
        leave: () => {
          requests--;
          bytes -= mine;
        },
      };
    },
    close: () => {
      isClosed = true;
    },
    load: () => ({ requests, bytes }),
  };
};
