import { createHmac } from 'node:crypto';

export const SECRET = 'a-secret-of-the-tests';
export const WEBHOOK_PATH = '/webhooks/razorpay';

export const sign = (body: string | Uint8Array, secret = SECRET): string =>
  createHmac('sha256', secret).update(body).digest('hex');

/** The smallest body that is applied like any other. */
export const captured = (paymentId: string): string =>
  JSON.stringify({
    entity: 'event',
    event: 'payment.captured',
    contains: ['payment'],
    payload: { payment: { entity: { id: paymentId, status: 'captured' } } },
    created_at: 1_787_839_419,
  });

export interface Post {
  readonly body: string | Uint8Array;
  /** Signed with SECRET unless it is given; null for none. */
  readonly signature?: string | null;
  readonly eventId?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
}

export const post = async (
  port: number,
  { body, signature = sign(body), eventId, path = WEBHOOK_PATH, headers = {} }: Post,
): Promise<Answered> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers: {
      'content-type': 'application/json',
      ...(signature === null ? {} : { 'x-razorpay-signature': signature }),
      ...(eventId === undefined ? {} : { 'x-razorpay-event-id': eventId }),
      ...headers,
    },
  });
  const { reason } = (await response.json()) as { readonly reason: string };
  return { status: response.status, reason, headers: response.headers };
};

/** The head of a request as bytes, for connections that a test writes by hand. */
export const head = (lines: Readonly<Record<string, string | number>>, path = WEBHOOK_PATH): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: test',
    ...Object.entries(lines).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n');
