import diagnostics from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from '#kit/receiver';
import type { Answer, Receiver } from '#kit/receiver';
import { instant } from '#rules';
import { createFormats } from '../templates/formats.ts';
import { parseTemplate } from '../templates/template.ts';
import type { Template } from '../templates/template.ts';
import type { Message } from '../templates/words.ts';
import { parseAllowList } from './address-guard.ts';
import type { AllowList } from './address-guard.ts';
import type { Channel, DeliveryContext } from './channel.ts';
import type { PostTarget } from './post.ts';
import { createSignedHttp, parseSecrets } from './signed-http.ts';
import { createSlack } from './slack.ts';

const [OLD, NEW] = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];
const TIMEOUT_MS = 400;

const template = (source: string): Template => {
  const read = parseTemplate(source);
  if (!read.ok) throw new Error(read.issues.join());
  return read.value;
};

const message: Message = {
  type: 'payment.captured',
  rule: 'captured',
  reminder: null,
  formats: createFormats('en-IN', 'Asia/Kolkata'),
  words: { title: template('Paid {{amount}}'), text: template('*{{description}}* by {{email}}') },
  subject: {
    kind: 'payment.captured',
    occurrence: '',
    family: 'payments',
    entityId: 'pay_1Aa00000000001',
    at: instant(1_700_000_000_000),
    endpoint: null,
    status: 'captured',
    columns: {
      amount_minor: 12_345_600,
      currency: 'INR',
      email: 'asha@example.com',
      description: '<!channel> <https://evil.example|refund>',
      created_at: 1_700_000_000_000,
      notes: { a: 1 },
    },
  },
};
const context: DeliveryContext = {
  notificationId: 'ntf_1',
  sequence: 3,
  attempt: 1,
  signal: new AbortController().signal,
};

const allowLocal = (): AllowList => {
  const read = parseAllowList(['127.0.0.0/8']);
  if (!read.ok) throw new Error(read.issues.join());
  return read.value;
};
const targetAt = (url: URL, more: Partial<PostTarget> = {}): PostTarget => ({
  url,
  allow: allowLocal(),
  connections: 2,
  timeoutMs: TIMEOUT_MS,
  ...more,
});
const signed = (target: PostTarget, secrets = OLD, personalColumns: readonly string[] = []): Channel => {
  const read = parseSecrets(secrets);
  if (!read.ok) throw new Error(read.issues.join());
  return createSignedHttp({ secrets: read.value, personalColumns: new Set(personalColumns) }, target);
};

/** Runs one delivery against a receiver, and lets go of both. */
const against = async (answer: Answer, run: (url: URL, to: Receiver) => Promise<unknown>): Promise<void> => {
  const to = await startReceiver(answer);
  try {
    await run(to.url, to);
  } finally {
    await to.close();
  }
};

describe('signed HTTP', () => {
  const ok = (response: ServerResponse): void => void response.end('thanks\n');

  test('what arrives is verified by the library, with any of the secrets while they rotate', async () => {
    await against(ok, async (url, { received }) => {
      const channel = signed(targetAt(url), `${NEW},${OLD}`);
      expect(await channel.deliver(message, context)).toEqual({ kind: 'delivered', response: 'HTTP 200: thanks' });
      await channel.close();
      const [one] = received;
      const headers = one?.headers as Record<string, string>;
      for (const secret of [OLD, NEW])
        expect(new Webhook(secret).verify(one?.body ?? '', headers)).toMatchObject({ type: 'payment.captured' });
      expect(() => new Webhook('whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oX').verify(one?.body ?? '', headers)).toThrow(
        'No matching signature found',
      );
      expect(() => new Webhook(OLD).verify(`${one?.body} `, headers)).toThrow('No matching signature found');
      expect(headers['webhook-id']).toBe('ntf_1');
    });
  });

  test('the body has the entity, its sequence, and no column about a person', async () => {
    await against(ok, async (url, { received }) => {
      await signed(targetAt(url)).deliver(message, context);
      const body = JSON.parse(received[0]?.body ?? '') as { data: { columns: object } };
      expect(body).toMatchObject({
        type: 'payment.captured',
        timestamp: '2023-11-14T22:13:20.000Z',
        data: {
          family: 'payments',
          entity_id: 'pay_1Aa00000000001',
          status: 'captured',
          sequence: 3,
          columns: {
            amount_minor: 12_345_600,
            currency: 'INR',
            created_at: '2023-11-14T22:13:20.000Z',
            order_id: null,
          },
        },
      });
      for (const name of ['email', 'contact', 'notes', 'vpa', 'description', 'card_last4'])
        expect(body.data.columns).not.toHaveProperty(name);
    });
  });

  test('columns about persons that are asked for are there; a reminder says what of', async () => {
    await against(ok, async (url, { received }) => {
      await signed(targetAt(url), OLD, ['email']).deliver(
        { ...message, type: 'payment.reminder', reminder: { before: 'created_at', at: 1_700_000_000_000, hours: 6 } },
        context,
      );
      expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
        data: {
          columns: { email: 'asha@example.com' },
          reminder: { before: 'created_at', at: '2023-11-14T22:13:20.000Z', hours: 6 },
        },
      });
    });
  });

  test.each([
    '',
    'whsec_',
    'whsec_short',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    `${OLD},plain`,
    `whsec_${'A'.repeat(120)}`,
  ])('%j is no secret, and is not shown', (text) => {
    const read = parseSecrets(text);
    expect(read.ok ? [] : read.issues).toEqual([expect.stringContaining('must be 1 to 5 secrets')]);
    expect(JSON.stringify(read)).not.toMatch(/MfKQ|plain|AAAA/);
  });
});

describe('what a receiver may do', () => {
  const outcomeOf = async (
    answer: Answer,
    more: Partial<PostTarget> = {},
    signal = context.signal,
  ): Promise<unknown> => {
    let outcome: unknown;
    await against(answer, async (url) => {
      const channel = signed(targetAt(url, more));
      outcome = await channel.deliver(message, { ...context, signal });
      await channel.close();
    });
    return outcome;
  };

  test.each<[number, Record<string, string>, unknown]>([
    [204, {}, { kind: 'delivered', response: 'HTTP 204' }],
    [
      301,
      { location: 'http://169.254.169.254/' },
      { kind: 'failed', reason: 'HTTP 301: redirects are not followed; give the final URL' },
    ],
    [
      307,
      { location: '/elsewhere' },
      { kind: 'failed', reason: 'HTTP 307: redirects are not followed; give the final URL' },
    ],
    [400, {}, { kind: 'failed', reason: 'HTTP 400' }],
    [401, {}, { kind: 'failed', reason: 'HTTP 401' }],
    [404, { 'retry-after': '5' }, { kind: 'failed', reason: 'HTTP 404' }],
    [410, {}, { kind: 'failed', reason: 'HTTP 410' }],
    [408, {}, { kind: 'retry', reason: 'HTTP 408' }],
    [425, {}, { kind: 'retry', reason: 'HTTP 425' }],
    [429, { 'retry-after': '7' }, { kind: 'retry', reason: 'HTTP 429', afterMs: 7_000 }],
    [500, {}, { kind: 'retry', reason: 'HTTP 500' }],
    [503, { 'retry-after': '999999' }, { kind: 'retry', reason: 'HTTP 503', afterMs: 3_600_000 }],
    [503, { 'retry-after': 'rubbish' }, { kind: 'retry', reason: 'HTTP 503' }],
  ])('%d %j', async (status, headers, expected) => {
    expect(await outcomeOf((response) => void response.writeHead(status, headers).end())).toEqual(expected);
  });

  test('a redirect is not followed', async () => {
    await against(
      (response) => void response.end(),
      async (elsewhere, { received }) => {
        await outcomeOf((response) => void response.writeHead(302, { location: elsewhere.href }).end());
        expect(received).toEqual([]);
      },
    );
  });

  test('hangs before it answers: later, within the time-out', async () => {
    expect(await outcomeOf(() => undefined)).toEqual({ kind: 'retry', reason: `no answer within ${TIMEOUT_MS} ms` });
  });

  test('says 200 and then its body never ends: delivered, and not waited for', async () => {
    expect(await outcomeOf((response) => void response.writeHead(200).write('slow'), { timeoutMs: 30_000 })).toEqual({
      kind: 'delivered',
      response: 'HTTP 200: slow',
    });
  });

  test('sends its headers too slowly: later', async () => {
    expect(await outcomeOf((_response, socket) => void socket.write('HTTP/1.1 200 OK\r\nx-slow: '))).toEqual({
      kind: 'retry',
      reason: `no answer within ${TIMEOUT_MS} ms`,
    });
  });

  test('answers without end: little of it is read', async () => {
    let chunks = 0;
    const flood = (response: ServerResponse): void => {
      const next = setInterval(() => {
        chunks += 1;
        response.write('x'.repeat(8_192));
      }, 20);
      response.once('close', () => clearInterval(next));
    };
    const outcome = await outcomeOf(flood, { timeoutMs: 5_000 });
    expect(outcome).toEqual({ kind: 'delivered', response: `HTTP 200: ${'x'.repeat(160)}` });
    // One is enough; a second's worth would be 50.
    expect(chunks).toBeLessThan(20);
  });

  test('resets the connection: later', async () => {
    expect(await outcomeOf((_response, socket) => void socket.resetAndDestroy())).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(/^no answer: (read ECONNRESET|socket hang up)$/),
    });
  });

  test('is not there: later', async () => {
    const to = await startReceiver(() => undefined);
    await to.close();
    expect(await signed(targetAt(to.url)).deliver(message, context)).toEqual({
      kind: 'retry',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('answers what is not HTTP: later', async () => {
    expect(await outcomeOf((_response, socket) => void socket.end('no\r\n\r\n'))).toEqual({
      kind: 'retry',
      reason: expect.stringContaining('no answer: Parse Error'),
    });
  });

  test('the notifier stops while it waits: later, at once', async () => {
    const stop = new AbortController();
    expect(await outcomeOf(() => stop.abort(), { timeoutMs: 30_000 }, stop.signal)).toEqual({
      kind: 'retry',
      reason: 'the notifier stopped before an answer came',
    });
  });

  test('its reason is one bounded line, whatever it sends', async () => {
    const outcome = await outcomeOf(
      (response) => void response.writeHead(500).end(`line\r\nline\u0000${'y'.repeat(10_000)}`),
    );
    expect(outcome).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/^HTTP 500: line line y+$/) });
    expect((outcome as { reason: string }).reason.length).toBeLessThan(350);
  });
});

describe('connections', () => {
  test('one is kept for the next deliveries, and gathers no listeners on the way', async () => {
    const sockets: Socket[] = [];
    const note = (event: unknown): void => void sockets.push((event as { socket: Socket }).socket);
    diagnostics.subscribe('net.client.socket', note);
    await against(
      (response) => void response.end(),
      async (url, { connections }) => {
        const channel = signed(targetAt(url));
        for (let i = 0; i < 20; i++)
          expect(await channel.deliver(message, context)).toMatchObject({ kind: 'delivered' });
        expect(connections()).toBe(1);
        expect(sockets.map((socket) => socket.listenerCount('connect'))).toEqual([0]);
        await channel.close();
      },
    );
    diagnostics.unsubscribe('net.client.socket', note);
  });

  test('a kept one that the receiver drops costs nothing: a new one is made at once', async () => {
    await against(
      (response, socket, count) => void (count === 2 ? socket.resetAndDestroy() : response.end()),
      async (url, { received, connections }) => {
        const channel = signed(targetAt(url));
        await channel.deliver(message, context);
        expect(await channel.deliver(message, context)).toMatchObject({ kind: 'delivered' });
        expect([received.length, connections()]).toEqual([3, 2]);
        await channel.close();
      },
    );
  });

  test('a name that resolves inwards is refused before anything is sent, and says how to allow it', async () => {
    await against(
      (response) => void response.end(),
      async (url, { connections }) => {
        const inward = new URL(url);
        inward.hostname = 'localhost';
        const none = parseAllowList([]);
        if (!none.ok) throw new Error('an empty list is a list');
        expect(await signed(targetAt(inward, { allow: none.value })).deliver(message, context)).toEqual({
          kind: 'failed',
          reason: expect.stringMatching(/^localhost is the internal address .*; allow it/),
        });
        expect(connections()).toBe(0);
      },
    );
  });
});

describe('Slack', () => {
  test('blocks, in which a value is neither a mention nor a link nor bold', async () => {
    await against(
      (response) => void response.end('ok'),
      async (url, { received }) => {
        const channel = createSlack(targetAt(url));
        expect(await channel.deliver(message, context)).toEqual({ kind: 'delivered', response: 'HTTP 200: ok' });
        await channel.close();
        expect(JSON.parse(received[0]?.body ?? '')).toEqual({
          text: 'Paid ₹1,23,456.00',
          blocks: [
            { type: 'header', text: { type: 'plain_text', text: 'Paid ₹1,23,456.00', emoji: false } },
            {
              type: 'section',
              text: {
                type: 'mrkdwn',
                verbatim: true,
                text: '*&lt;!channel&gt; &lt;https://evil.example|refund&gt;* by asha@example.com',
              },
            },
          ],
        });
      },
    );
  });

  test('too long for Slack: cut, not within an entity', async () => {
    await against(
      (response) => void response.end('ok'),
      async (url, { received }) => {
        const long = { title: template('T'.repeat(200)), text: template(`${'x'.repeat(2_997)}{{description}}`) };
        const channel = createSlack(targetAt(url));
        await channel.deliver({ ...message, words: long }, context);
        await channel.close();
        const { blocks } = JSON.parse(received[0]?.body ?? '') as { blocks: { text: { text: string } }[] };
        expect(blocks.map(({ text }) => text.text)).toEqual([`${'T'.repeat(149)}…`, `${'x'.repeat(2_997)}…`]);
      },
    );
  });

  test('asks for quiet, or does not know the webhook', async () => {
    await against(
      (response) => void response.writeHead(429, { 'retry-after': '30' }).end(),
      async (url) => {
        expect(await createSlack(targetAt(url)).deliver(message, context)).toEqual({
          kind: 'retry',
          reason: 'HTTP 429',
          afterMs: 30_000,
        });
      },
    );
    await against(
      (response) => void response.writeHead(404).end('no_service'),
      async (url) => {
        expect(await createSlack(targetAt(url)).deliver(message, context)).toEqual({
          kind: 'failed',
          reason: 'HTTP 404: no_service',
        });
      },
    );
  });
});
