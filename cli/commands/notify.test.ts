import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, startReceiver } from '#kit';
import type { Receiver } from '#kit';
import type { Ended } from '../../test/kit/cli/command-loop.ts';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';

/** Processes are started, and the machine may be busy with others. */
jest.setTimeout(60_000);

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const folder = mkdtempSync(join(tmpdir(), 'dakia-notify-'));
afterAll(() => rmSync(folder, { recursive: true }));
let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver(answers.status(200), SECRET);
  writeFileSync(
    join(folder, 'rules.yaml'),
    `destinations:\n  shop: {type: http, url: "${receiver.url.href}", secrets_env: SHOP_SECRETS, allow: [127.0.0.1]}\n  chat: {type: slack, url_env: CHAT_URL, optional: true}\n  log: {type: log}\nrules: []\n`,
  );
});
afterEach(() => receiver.close());

/** One process for each environment that was asked for. */
const opened = new Map<string, Dakia>();
afterAll(() => Promise.all([...opened.values()].map((dakia) => dakia.close())));

const notify = (
  destination: string,
  environment: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
): Promise<Ended> => {
  const settings = { DAKIA_NOTIFICATIONS_FILE: join(folder, 'rules.yaml'), SHOP_SECRETS: SECRET, ...environment };
  const key = JSON.stringify(settings);
  const dakia = opened.get(key) ?? openDakia(settings);
  opened.set(key, dakia);
  return dakia.run('--data-dir', folder, 'notify', 'test', destination, ...args);
};

test('a test is delivered like a notification: signed, and known as a test', async () => {
  expect(await notify('shop')).toEqual({ code: 0, stdout: 'shop: delivered, HTTP 200\n', stderr: '' });
  const [request] = receiver.received;
  expect(request?.refusal).toBeNull();
  expect(request?.id).toMatch(/^ntf_[0-9a-f]{32}$/);
  expect(JSON.parse(request?.body ?? '')).toMatchObject({ type: 'dakia.test' });
});

test('what was answered instead is said, with exit 1', async () => {
  receiver.answer((response) => response.writeHead(410).end('we have moved'));
  expect(await notify('shop')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'shop: not delivered, HTTP 410: we have moved\n',
  });
  const { code, stdout } = await notify('shop', {}, '--json');
  expect([code, JSON.parse(stdout)]).toEqual([
    1,
    { ok: false, destination: 'shop', answer: 'HTTP 410: we have moved' },
  ]);
});

test('a destination that is off names what is not set; one that does not exist names those that do', async () => {
  expect(await notify('chat')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'chat: not delivered, it is off: CHAT_URL not set\n',
  });
  expect(await notify('shop', { SHOP_SECRETS: '' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('SHOP_SECRETS not set') as string,
  });
  expect(await notify('pager')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has no destination "pager"; it has shop, chat, log') as string,
  });
});

test('a file that is wrong is refused by line, also where the mistake is another destination', async () => {
  writeFileSync(join(folder, 'rules.yaml'), 'destinations:\n  log: {type: log}\n  shop: {type: pigeon}\nrules: []\n');
  expect(await notify('log')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('rules.yaml:3: destinations.shop') as string,
  });
});
