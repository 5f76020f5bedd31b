import type { IncomingMessage } from 'node:http';
import type { Reason } from './answers.ts';
import type { Place } from './admission.ts';
import { areTooManyPieces } from './body-pieces.ts';

/** At least so many bytes of a body that has not ended must come in every so many ms. */
const RATE_BYTES = 1_024;
const RATE_WINDOW_MS = 2_000;
/** Smallest buffer that pieces are gathered in, in bytes. */
const BUFFER_BYTES_MIN = 4 * 1024;

export interface BodyBounds {
  readonly maxBytes: number;
  readonly withinMs: number;
  readonly place: Pick<Place, 'reserve' | 'onCrowdedOut'>;
}

export type NoBody = Extract<
  Reason,
  'too-large' | 'bytes-full' | 'crowded-out' | 'body-late' | 'body-in-pieces' | 'body-aborted'
>;

/** The whole body, or why there is none. Never rejects. */
export const readBody = (
  request: IncomingMessage,
  { maxBytes, withinMs, place }: BodyBounds,
): Promise<Buffer | NoBody> =>
  new Promise((resolve) => {
    const gathered = gather(maxBytes, place.reserve);
    const endsAt = performance.now() + Math.max(0, withinMs);
    let timer: NodeJS.Timeout | undefined;
    let hasEnded = false;
    const end = (result: Buffer | NoBody): void => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(timer);
      // A body that has ended brings nothing more, and who listens to errors stays: a request may fail later.
      if (typeof result === 'string') {
        request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
        request.on('error', ignore);
      }
      resolve(result);
    };
    const onData = (piece: Buffer): void => {
      const refused = gathered.add(piece);
      if (refused !== undefined) end(refused);
    };
    const onEnd = (): void => end(gathered.whole());
    const onClose = (): void => end('body-aborted');
    /** Looks once per window, and at the end of the time. */
    const watch = (sizeBefore: number): void => {
      const left = endsAt - performance.now();
      timer = setTimeout(
        () => {
          const isSlow = left > RATE_WINDOW_MS && gathered.size() - sizeBefore < RATE_BYTES;
          if (isSlow || left <= RATE_WINDOW_MS) end('body-late');
          else watch(gathered.size());
        },
        Math.min(Math.max(0, left), RATE_WINDOW_MS),
      );
    };
    watch(0);
    place.onCrowdedOut(() => end('crowded-out'));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });

/** Pieces in one buffer that grows by doubling: a piece of its own costs hundreds of bytes beside what is in it. */
const gather = (maxBytes: number, reserve: (bytes: number) => boolean) => {
  let buffer: Buffer = Buffer.alloc(0);
  let size = 0;
  let pieces = 0;

  const makeRoom = (needed: number): boolean => {
    const capacity = Math.min(maxBytes, Math.max(needed, buffer.length * 2, BUFFER_BYTES_MIN));
    if (!reserve(capacity - buffer.length)) return false;
    const larger = Buffer.allocUnsafeSlow(capacity);
    buffer.copy(larger, 0, 0, size);
    buffer = larger;
    return true;
  };
  return {
    /** Why the piece is not taken; nothing when it is. */
    add: (piece: Buffer): 'too-large' | 'body-in-pieces' | 'bytes-full' | undefined => {
      const needed = size + piece.length;
      pieces += 1;
      if (needed > maxBytes) return 'too-large';
      if (areTooManyPieces(pieces, needed)) return 'body-in-pieces';
      if (pieces === 1) {
        // Nearly all bodies are one piece, which is a buffer of its own already.
        if (!reserve(piece.length)) return 'bytes-full';
        buffer = piece;
      } else {
        if (needed > buffer.length && !makeRoom(needed)) return 'bytes-full';
        piece.copy(buffer, size);
      }
      size = needed;
      return undefined;
    },
    size: () => size,
    whole: () => buffer.subarray(0, size),
  };
};

const ignore = (): void => undefined;
