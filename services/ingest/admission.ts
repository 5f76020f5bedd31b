import { SMALL_BODY_BYTES } from './small-body.ts';

/** Deliveries whose bodies are on their way, and authentic ones that are being stored. */
const READING_MAX = 5_000;
const STORING_MAX = 5_000;
/** Memory of all bodies, in bytes. */
const BYTES_MAX = 64 * 1024 * 1024;
/**
 * What bodies above SMALL_BODY_BYTES may have of it: the rest is for
 * small ones alone, and those are all that Razorpay sends.
 */
const LARGE_READING_MAX = 500;
const LARGE_BYTES_MAX = 32 * 1024 * 1024;

/** One delivery's share of the bounds. */
export interface Place {
  /** Counts memory before a body takes it, not when it is announced; false when there is no room. */
  readonly reserve: (bytes: number) => boolean;
  /** What is called when this delivery has to give way, once, while its body is on its way. */
  readonly onCrowdedOut: (giveUp: () => void) => void;
  /** The delivery is authentic: nobody crowds it out any more. False when too many are being stored. */
  readonly keep: () => boolean;
  readonly leave: () => void;
}

/**
 * Bounds what senders can make this process hold. Whoever has no secret only ever holds a place while its body is on
 * its way, and the one that has been at it the longest gives way to a newcomer: a genuine body follows its headers
 * within milliseconds, so those that stall on purpose crowd out each other.
 */
export interface Admission {
  /** `announced`: the Content-Length, where there is one. */
  readonly enter: (announced: number | undefined) => Place | 'draining' | 'requests-full';
  /** From now on nobody is let in. */
  readonly close: () => void;
  readonly load: () => { readonly requests: number; readonly bytes: number };
}

interface Reader {
  bytes: number;
  isLarge: boolean;
  giveUp: () => void;
}

// oxlint-disable-next-line max-lines-per-function -- closures over one set of counters
export const createAdmission = (): Admission => {
  /** In order of arrival. */
  const reading = new Set<Reader>();
  let storing = 0;
  let bytes = 0;
  let large = { requests: 0, bytes: 0 };
  let isClosed = false;

  const change = (reader: Reader, by: number): void => {
    bytes += by;
    reader.bytes += by;
    if (reader.isLarge) large = { ...large, bytes: large.bytes + by };
  };
  const release = (reader: Reader): void => {
    change(reader, -reader.bytes);
    if (reader.isLarge) large = { ...large, requests: large.requests - 1 };
    reader.isLarge = false;
  };
  /** Makes the one that reads the longest give way; false when there is none but `me`. */
  const crowdOut = (me: Reader | undefined, isLarge: boolean): boolean => {
    for (const reader of reading) {
      if (reader === me || (isLarge && !reader.isLarge)) continue;
      reading.delete(reader);
      release(reader);
      reader.giveUp();
      return true;
    }
    return false;
  };
  const grewLarge = (reader: Reader): boolean => {
    if (large.requests >= LARGE_READING_MAX && !crowdOut(reader, true)) return false;
    reader.isLarge = true;
    large = { requests: large.requests + 1, bytes: large.bytes + reader.bytes };
    return true;
  };

  const placeOf = (reader: Reader): Place => {
    let isStored = false;
    let isGone = false;
    return {
      reserve: (more) => {
        if (!reader.isLarge && reader.bytes + more > SMALL_BODY_BYTES && !grewLarge(reader)) return false;
        while (reader.isLarge && large.bytes + more > LARGE_BYTES_MAX) if (!crowdOut(reader, true)) return false;
        while (bytes + more > BYTES_MAX) if (!crowdOut(reader, false)) return false;
        change(reader, more);
        return true;
      },
      onCrowdedOut: (giveUp) => (reader.giveUp = giveUp),
      keep: () => {
        if (storing >= STORING_MAX) return false;
        reading.delete(reader);
        storing += 1;
        isStored = true;
        return true;
      },
      leave: () => {
        if (isGone) return;
        isGone = true;
        if (isStored) storing -= 1;
        reading.delete(reader);
        release(reader);
      },
    };
  };

  return {
    enter: (announced) => {
      if (isClosed) return 'draining';
      if (reading.size >= READING_MAX && !crowdOut(undefined, false)) return 'requests-full';
      const reader: Reader = { bytes: 0, isLarge: false, giveUp: () => undefined };
      if (announced !== undefined && announced > SMALL_BODY_BYTES && !grewLarge(reader)) return 'requests-full';
      reading.add(reader);
      return placeOf(reader);
    },
    close: () => {
      isClosed = true;
    },
    load: () => ({ requests: reading.size + storing, bytes }),
  };
};
