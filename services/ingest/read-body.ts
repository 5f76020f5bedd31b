import type { IncomingMessage } from 'node:http';
import type { Reason } from './answers.ts';

/** A body that is refused is still taken from the connection, up to this many bytes, so that the sender reads the answer. */
const DISCARDED_BYTES_MAX = 4 * 1024 * 1024;

export interface BodyBounds {
  readonly maxBytes: number;
  readonly withinMs: number;
  /** Asked for every piece; false when there is no room for it. */
  readonly reserve: (bytes: number) => boolean;
}

/** The whole body, or why there is none. Never rejects. */
export const readBody = (
  request: IncomingMessage,
  { maxBytes, withinMs, reserve }: BodyBounds,
): Promise<Buffer | Extract<Reason, 'too-large' | 'bytes-full' | 'body-late' | 'body-aborted'>> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (result: Buffer | 'too-large' | 'bytes-full' | 'body-late' | 'body-aborted'): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      // A request that fails later must not find nobody listening.
      request.on('error', ignore);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) return settle('too-large');
      if (!reserve(chunk.length)) return settle('bytes-full');
      chunks.push(chunk);
    };
    const onEnd = (): void => settle(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    const onClose = (): void => settle('body-aborted');
    const timer = setTimeout(settle, Math.max(0, withinMs), 'body-late');
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });

const ignore = (): void => undefined;

/**
 * Lets go of a body that nobody wants. Node itself would read on without end before the next request of the connection; here
 * the connection is closed when too much comes. The time is bounded by the server's requestTimeout.
 */
export const discardBody = (request: IncomingMessage): void => {
  if (request.complete || request.destroyed) return;
  let size = 0;
  request.on('error', ignore).on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > DISCARDED_BYTES_MAX) request.destroy();
  });
};
