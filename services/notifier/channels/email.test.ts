import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { generate } from 'selfsigned';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { instant } from '#rules';
import { createFormats } from '../templates/formats.ts';
import { parseTemplate } from '../templates/template.ts';
import type { Template } from '../templates/template.ts';
import type { Message } from '../templates/words.ts';
import type { DeliveryContext } from './channel.ts';
import { createEmail } from './email.ts';
import type { EmailOptions } from './email.ts';

const template = (source: string): Template => {
  const read = parseTemplate(source);
  if (!read.ok) throw new Error(read.issues.join());
  return read.value;
};

const message: Message = {
  type: 'invoice.paid',
  rule: 'invoices',
  reminder: null,
  formats: createFormats('en-IN', 'Asia/Kolkata'),
  words: {
    title: template('{{customer_name}} paid {{amount}}'),
    text: template('Hello,\n{{customer_name}} paid <{{amount}}>.'),
  },
  subject: {
    kind: 'invoice.paid',
    occurrence: '',
    family: 'invoices',
    entityId: 'inv_1Aa00000000001',
    at: instant(1_700_000_000_000),
    endpoint: null,
    status: 'paid',
    columns: {
      amount_minor: 500,
      currency: 'INR',
      customer_name: 'Asha\r\nBcc: everyone@example.com\r\n\r\n<script>alert(1)</script>',
    },
  },
};
const context: DeliveryContext = {
  notificationId: 'ntf_1',
  sequence: 1,
  attempt: 1,
  signal: new AbortController().signal,
};

/** These servers show a certificate that nobody vouches for, so the client has to be told to take it. */
const TAKE_ANY = '?tls.rejectUnauthorized=false';
const TIMEOUT_MS = 5_000;
let certificate: { readonly key: string; readonly cert: string };
beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
  certificate = { key: made.private, cert: made.cert };
});

const smtp = async (
  options: SMTPServerOptions,
  run: (url: (query?: string) => string, mails: readonly string[], secure: readonly boolean[]) => Promise<void>,
): Promise<void> => {
  const mails: string[] = [];
  const secure: boolean[] = [];
  const server = new SMTPServer({
    authOptional: true,
    ...certificate,
    onData: (stream, session, done) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        mails.push(text);
        secure.push(session.secure);
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  try {
    await run(
      (query = TAKE_ANY) => `${options.secure === true ? 'smtps' : 'smtp'}://127.0.0.1:${port}/${query}`,
      mails,
      secure,
    );
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
};

const sendTo = async (smtpUrl: string, more: Partial<EmailOptions> = {}, signal = context.signal): Promise<unknown> => {
  const channel = createEmail({
    smtpUrl,
    from: 'Dakia <dakia@example.com>',
    to: ['team@example.com'],
    tls: 'required',
    connections: 1,
    timeoutMs: TIMEOUT_MS,
    ...more,
  });
  try {
    return await channel.deliver(message, { ...context, signal });
  } finally {
    await channel.close();
  }
};
const refusing = (code: number) => Object.assign(new Error('no'), { responseCode: code });

describe('e-mail', () => {
  test.each([true, false])('goes out encrypted, TLS from the start: %s', async (isSecure) => {
    await smtp({ secure: isSecure }, async (url, mails, secure) => {
      expect(await sendTo(url())).toMatchObject({ kind: 'delivered', response: expect.stringMatching(/^250 /) });
      expect(secure).toEqual([true]);
      expect(mails).toHaveLength(1);
    });
  });

  test('a name cannot add a header, a recipient, a body or markup', async () => {
    const recipients: string[] = [];
    await smtp(
      { onRcptTo: (address, _session, done) => (recipients.push(address.address), done()) },
      async (url, mails) => {
        await sendTo(url());
        const [mail = ''] = mails;
        const [head = ''] = mail.split('\r\n\r\n');
        expect(recipients).toEqual(['team@example.com']);
        expect(head).not.toMatch(/^bcc:/im);
        expect(head.replaceAll(/\r\n\s+/g, ' ')).toMatch(/^Subject: .+/m);
        expect(head).toMatch(/^Message-ID: <ntf_1@example\.com>$/m);
        expect(head).toMatch(/^X-Dakia-Notification: ntf_1$/m);
        const body = mail.replaceAll('=\r\n', '').replaceAll('=E2=82=B9', '₹').replaceAll('=3D', '=');
        expect(body).toContain('Asha Bcc: everyone@example.com <script>alert(1)</script> paid <₹5.00>.');
        expect(body).toContain(
          'Hello,<br>\r\nAsha Bcc: everyone@example.com &lt;script&gt;alert(1)&lt;/script&gt; paid &lt;₹5.00&gt;.',
        );
      },
    );
  });

  test.each([
    ['later', 421, 'retry'],
    ['later', 450, 'retry'],
    ['never', 550, 'failed'],
    ['never', 554, 'failed'],
  ])('a recipient is refused: %s (%d)', async (_name, code, kind) => {
    await smtp({ onRcptTo: (_address, _session, done) => done(refusing(code)) }, async (url) => {
      expect(await sendTo(url())).toMatchObject({ kind, reason: expect.stringContaining(String(code)) });
    });
  });

  test.each([
    [451, 'retry'],
    [552, 'failed'],
  ])('the mail itself is refused with %d: %s', async (code, kind) => {
    await smtp(
      { onData: (stream, _session, done) => void stream.on('end', () => done(refusing(code))).resume() },
      async (url) => {
        expect(await sendTo(url())).toMatchObject({ kind, reason: expect.stringContaining(String(code)) });
      },
    );
  });

  test('a wrong password fails and is not shown', async () => {
    await smtp({ secure: true, onAuth: (_auth, _session, done) => done(refusing(535)) }, async (url) => {
      const outcome = await sendTo(url().replace('smtps://', 'smtps://dakia:hunter2@'));
      expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('535') });
      expect(JSON.stringify(outcome)).not.toContain('hunter2');
    });
  });

  test('one of two recipients refused: delivered, and it says so', async () => {
    await smtp(
      { onRcptTo: ({ address }, _session, done) => done(address.startsWith('gone') ? refusing(550) : null) },
      async (url) => {
        expect(await sendTo(url(), { to: ['team@example.com', 'gone@example.com'] })).toMatchObject({
          kind: 'delivered',
          response: expect.stringContaining('(1 of 2 recipients refused)'),
        });
      },
    );
  });

  test('nothing is sent without encryption unless that is set', async () => {
    await smtp({ disabledCommands: ['STARTTLS', 'AUTH'] }, async (url, mails, secure) => {
      expect(await sendTo(url())).toMatchObject({ kind: 'failed', reason: expect.stringContaining('STARTTLS') });
      expect(mails).toEqual([]);
      expect(await sendTo(url(), { tls: 'if_offered' })).toMatchObject({ kind: 'delivered' });
      expect(secure).toEqual([false]);
    });
  });

  test('a certificate that nobody vouches for is not taken', async () => {
    await smtp({ secure: true }, async (url, mails) => {
      expect(await sendTo(url(''))).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/certificate/i) });
      expect(mails).toEqual([]);
    });
  });

  test('a server that hangs, and a notifier that stops, end the attempt', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await sendTo(url, { timeoutMs: 300 })).toMatchObject({ kind: 'retry' });
    const stop = new AbortController();
    const stopped = sendTo(url, {}, stop.signal);
    stop.abort();
    expect(await stopped).toEqual({ kind: 'retry', reason: 'the notifier stopped before an answer came' });
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  test('no server: later', async () => {
    expect(await sendTo('smtp://127.0.0.1:1')).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
