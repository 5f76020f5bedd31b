import { sign, WEBHOOK_PATH } from '../kit/ingest/deliveries.ts';

export { captured, sign } from '../kit/ingest/deliveries.ts';

/** Posts a signed body and answers the status. */
export const post = async (port: number, body: string | Buffer): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${port}${WEBHOOK_PATH}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'x-razorpay-signature': sign(body), 'x-razorpay-event-id': 'fuzz' },
  });
  await response.arrayBuffer();
  return response.status;
};

/** The request as text: a signature that somebody could make is in it. */
export const readSignedBody = (request: Buffer): string => request.toString('latin1').toLowerCase();
