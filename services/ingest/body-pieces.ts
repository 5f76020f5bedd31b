import { IncomingMessage } from 'node:http';
import { crumbsCame } from './sliced-reads.ts';

/**
 * Pieces that a body may come in: so many, and one more for every so
 * many bytes. Every piece costs, however small it is.
 */
const PIECES_FREE = 1_024;
const BYTES_PER_PIECE = 256;

/** Whether so many bytes of a body came in more pieces than anybody needs. */
export const areTooManyPieces = (pieces: number, bytes: number): boolean =>
  pieces > PIECES_FREE + bytes / BYTES_PER_PIECE;

/**
 * A request that drops what follows the first piece too many: as pieces of a stream they cost three times as much as
 * dropped. The body's reader refuses the request when it comes to the piece too many, so nobody misses the others.
 */
export class PiecewiseRequest extends IncomingMessage {
  #pieces = 0;
  #bytes = 0;
  #isRefused = false;

  override push(piece: Buffer | null): boolean {
    if (piece === null) return super.push(piece);
    if (this.#isRefused) return true;
    this.#pieces += 1;
    this.#bytes += piece.length;
    this.#isRefused = areTooManyPieces(this.#pieces, this.#bytes);
    if (this.#isRefused) crumbsCame(this.socket);
    return super.push(piece);
  }
}
