import { headersOf, sign } from '../wire.ts';
import { ANSWER_WITHIN_MS } from './connection.ts';

/** What a receiver answered to one delivery, with the beginning of its text; or why there was no answer. */
export type OneAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | { readonly kind: 'none'; readonly reason: string };

const TEXT_MAX = 500;

/** Signs a body as it is and delivers it once, with the headers that Razorpay sends. Waits as long as Razorpay does. */
export const sendOne = async (
  { url, secret }: { readonly url: URL; readonly secret: string },
  { eventId, body }: { readonly eventId: string; readonly body: Buffer },
): Promise<OneAnswer> => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: headersOf(eventId, sign(secret, body)),
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return { kind: 'answered', status: response.status, text: (await response.text()).slice(0, TEXT_MAX) };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { kind: 'none', reason: cause instanceof Error ? cause.message : String(cause) };
  }
};
