import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sign } from '#simulator';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';

/** Tests start processes, and the machine may be busy with others. */
jest.setTimeout(60_000);

const SECRET = 'a secret of the test';
const folder = mkdtempSync(join(tmpdir(), 'dakia-send-'));
let server: Server;
let base: string;
let commands: Dakia;
let answer = 200;
let says = '{"status":"accepted"}';
let received: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(answer).end(says);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/razorpay`;
  commands = openDakia({ RAZORPAY_WEBHOOK_SECRETS: SECRET });
});
beforeEach(() => {
  received = [];
  answer = 200;
  says = '{"status":"accepted"}';
});
afterAll(async () => {
  await commands.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

/** Nobody listens there any more. */
const closedUrl = async (): Promise<string> => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  return `http://127.0.0.1:${port}/`;
};

const dakia = (...args: readonly string[]) => commands.run('--data-dir', folder, ...args, '--url', base);

test('send delivers the very bytes of a file, signed, with the id and to the endpoint that are asked for', async () => {
  const file = join(folder, 'body.json');
  // Not as any serializer would write it: a byte that changed would break the signature.
  const body = Buffer.from('{ "event":"payment.captured" ,\n"payload":{}}\n');
  writeFileSync(file, body);
  const { code, stdout } = await dakia('send', file, '--event-id', 'event_1', '--endpoint', 'shop');
  expect(code).toBe(0);
  expect(stdout).toMatch(/answer +200 \{"status":"accepted"\}/);
  expect(received).toHaveLength(1);
  expect(received[0]?.path).toBe('/webhooks/razorpay/shop');
  expect(received[0]?.body).toEqual(body);
  expect(received[0]?.headers).toMatchObject({
    'x-razorpay-event-id': 'event_1',
    'x-razorpay-signature': sign(SECRET, body),
  });
});

test('trigger makes a body of the event, with the fields that are set, of the subject and of what lies beside it', async () => {
  const sets = ['amount=12300', 'notes.cart=17', 'payment.status=failed', 'payment.email=asha@example.com'];
  const { code, stdout } = await dakia(
    'trigger',
    'refund.processed',
    ...sets.flatMap((set) => ['--set', set]),
    '--json',
  );
  const body = JSON.parse(String(received[0]?.body)) as {
    readonly event: string;
    readonly payload: Record<string, { readonly entity: Record<string, unknown> }>;
  };
  expect(body.event).toBe('refund.processed');
  expect(body.payload['refund']?.entity).toMatchObject({ amount: 12_300, notes: { cart: 17 } });
  expect(body.payload['payment']?.entity).toMatchObject({ status: 'failed', email: 'asha@example.com' });
  const printed = JSON.parse(stdout) as Record<string, unknown>;
  expect([code, printed['ok'], printed['status']]).toEqual([0, true, 200]);
  expect(printed['entity']).toBe(body.payload['refund']?.entity['id']);
  expect(printed['eventId']).toBe(received[0]?.headers['x-razorpay-event-id']);
});

test('each call is an event of its own, unless its id is given', async () => {
  await dakia('trigger', 'payment.captured');
  await dakia('trigger', 'payment.captured');
  await dakia('trigger', 'payment.captured', '--event-id', 'same');
  const ids = received.map(({ headers }) => headers['x-razorpay-event-id']);
  expect(new Set(ids).size).toBe(3);
  expect(ids[2]).toBe('same');
  expect(received[0]?.body.equals(received[1]?.body ?? Buffer.alloc(0))).toBe(false);
});

test('--print sends nothing', async () => {
  const { code, stdout } = await dakia('trigger', 'invoice.paid', '--print');
  expect([code, received.length]).toEqual([0, 0]);
  expect(JSON.parse(stdout)).toMatchObject({ event: 'invoice.paid' });
});

test('an answer other than 200, and none, end with 1', async () => {
  answer = 401;
  const refused = await dakia('trigger', 'payment.captured', '--json');
  expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([1, { ok: false, status: 401 }]);
  const away = await commands.run(
    '--data-dir',
    folder,
    'trigger',
    'payment.captured',
    '--url',
    await closedUrl(),
    '--json',
  );
  expect([away.code, JSON.parse(away.stdout)]).toMatchObject([1, { ok: false, status: null }]);
  expect(away.stdout).toContain('ECONNREFUSED');
});

describe('a receiver that answers with what a terminal would obey, or with lines of its own', () => {
  const HOSTILE = '\nfake  row  passed\u001b[2J\u009b1m\u202e\u{e0041}\u200b';
  const SHOWN = String.raw`\nfake  row  passed\u001b[2J\u009b1m\u202e\udb40\udc41\u200b`;
  const OBEYED = /(?!\n)\p{Cc}|\p{Cf}/u;
  const file = join(folder, `body${HOSTILE.replaceAll('/', '')}.json`);

  test.each([
    ['send', [file], true],
    ['trigger', ['payment.captured', '--set', `notes.to=${HOSTILE}`], true],
    ['trigger', ['payment.captured', '--set', `notes.to=${HOSTILE}`, '--print'], false],
    ['simulate', ['--count', '5', '--tamper', '1'], false],
    ['conformance', ['--blind', '--short'], false],
  ] as const)('%s %j', async (command, args, isShown) => {
    writeFileSync(file, '{}');
    says = `{"status":"accepted"}${HOSTILE}`;
    for (answer of [200, 500]) {
      const { stdout, stderr } = await dakia(command, ...args);
      const said = `${stdout}${stderr}`;
      expect(said.split('\n').filter((line) => line.startsWith('fake'))).toEqual([]);
      expect(OBEYED.exec(said)).toBeNull();
      // A cell may be broken at its spaces, within its own column.
      if (isShown) expect(said.replaceAll(/\s+/g, '')).toContain(SHOWN.replaceAll(' ', ''));
    }
  });
});

test.each([
  [['trigger', 'payment.catched'], 'There is no event payment.catched. Of payment there are payment.authorized,'],
  [['trigger', 'nothing.x'], 'docs/events.md has those there are'],
  [['trigger', 'payment.captured', '--set', 'amount'], 'Give field=value'],
  [['trigger', 'payment.captured', '--set', 'a..b=1'], 'Give field=value'],
  [['send', join(folder, 'none.json')], 'none.json cannot be read: ENOENT'],
] as const)('%j is refused with what is wrong', async (args, sentence) => {
  const { code, stderr } = await dakia(...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)]);
  expect(received).toEqual([]);
});
