import type SMTPPool from 'nodemailer/lib/smtp-pool';
import { writeHtml, writePlain } from '../templates/words.ts';
import { foreignText } from './channel.ts';
import type { Channel, Outcome } from './channel.ts';

export interface EmailOptions {
  /** `smtps://user:password@host:465`, or `smtp://host:587` which then asks for STARTTLS. */
  readonly smtpUrl: string;
  readonly from: string;
  readonly to: readonly string[];
  /** `required`: nothing is sent, also no password, over a connection that is not encrypted. */
  readonly tls: 'required' | 'if_offered';
  readonly connections: number;
  /** For one attempt, in ms. */
  readonly timeoutMs: number;
}

/** E-mail over SMTP. 4xx of the server means later, 5xx never (RFC 5321 §4.2.1). */
export const createEmail = ({ smtpUrl, from, to, tls, connections, timeoutMs }: EmailOptions): Channel => {
  const options = {
    url: smtpUrl,
    pool: true,
    maxConnections: connections,
    requireTLS: tls === 'required',
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const;
  let opened: ReturnType<typeof openTransport> | undefined;

  return {
    deliver: async (message, { notificationId, signal }) => {
      const [plain, html] = [writePlain(message), writeHtml(message)];
      const transport = await (opened ??= openTransport(options));
      const sent = transport
        .sendMail({
          from,
          to: [...to],
          subject: plain.title,
          text: plain.text,
          html: `<p><strong>${html.title}</strong></p>\n<p>${html.text}</p>`,
          messageId: `<${notificationId}@${domainOf(from)}>`,
          headers: { 'X-Dakia-Notification': notificationId, 'Auto-Submitted': 'auto-generated' },
        })
        .then(({ response, rejected }): Outcome => {
          const refused = rejected.length === 0 ? '' : ` (${rejected.length} of ${to.length} recipients refused)`;
          return { kind: 'delivered', response: `${foreignText(response)}${refused}` };
        }, outcomeOf);
      return Promise.race([sent, endOf(signal, timeoutMs)]);
    },
    close: async () => (await opened)?.close(),
  };
};

/** Loaded with the first message: it is a tenth of what a process loads, and most have no such destination. */
const openTransport = async (options: SMTPPool.Options) => {
  const { default: nodemailer } = await import('nodemailer');
  const transport = nodemailer.createTransport(options);
  // A pool tells of broken idle connections; each delivery that needs one makes its own and has its own outcome.
  transport.on('error', () => undefined);
  return transport;
};

const outcomeOf = (error: unknown): Outcome => {
  const reason = foreignText(error instanceof Error ? error.message : String(error));
  const code = typeof error === 'object' && error !== null && 'responseCode' in error ? Number(error.responseCode) : 0;
  return code >= 500 && code < 600 ? { kind: 'failed', reason } : { kind: 'retry', reason };
};

/**
 * nodemailer cannot be told to give up, so an attempt that takes too
 * long is left behind; what it still sends has the same id.
 */
const endOf = (signal: AbortSignal, timeoutMs: number): Promise<Outcome> =>
  new Promise((resolve) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const end = AbortSignal.any([signal, deadline]);
    const tell = (): void =>
      resolve({
        kind: 'retry',
        reason: deadline.aborted ? `no answer within ${timeoutMs} ms` : 'the notifier stopped before an answer came',
      });
    if (end.aborted) tell();
    else end.addEventListener('abort', tell, { once: true });
  });

const domainOf = (mailbox: string): string => /@([^>\s]+)>?\s*$/.exec(mailbox)?.[1] ?? 'dakia.invalid';
