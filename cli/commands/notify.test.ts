import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, startReceiver } from '#kit/receiver';
import type { Receiver } from '#kit/receiver';
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
    `destinations:\n  shop: {type: http, url: "${receiver.url.href}", secrets_env: SHOP_SECRETS, allow: ` +
      `[127.0.0.1]}\n  chat: {type: slack, url_env: CHAT_URL, optional: true}\n  log: {type: log}\nrules: []\n`,
  );
});
afterEach(() => receiver.close());

const dakiaWith = (settings: Readonly<Record<string, string>>): Dakia => {
  const dakia = openDakia(settings);
  opened.push(dakia);
  return dakia;
};
const opened: Dakia[] = [];
afterAll(() => Promise.all(opened.map((dakia) => dakia.close())));

const notify = (
  destination: string,
  environment: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
): Promise<Ended> =>
  dakiaWith({ DAKIA_NOTIFICATIONS_FILE: join(folder, 'rules.yaml'), SHOP_SECRETS: SECRET, ...environment }).run(
    ...['--data-dir', folder, 'notify', 'test', destination, ...args],
  );

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

describe('check', () => {
  const check = (text: string, environment: Readonly<Record<string, string>> = {}, ...args: readonly string[]) => {
    writeFileSync(join(folder, 'checked.yaml'), text);
    return dakiaWith(environment).run(
      ...['--data-dir', folder, 'notify', 'check', join(folder, 'checked.yaml'), ...args],
    );
  };
  const right = `destinations:
  shop: {type: http, url: "https://shop.example", secrets_env: SHOP_SECRETS}
  chat: {type: slack, url_env: CHAT_URL, optional: true}
rules:
  - {name: captured, when: payment.captured, to: [shop, chat]}
`;

  test('needs no server and no variable: what is not set is a warning, and a file that is right is', async () => {
    const file = join(folder, 'checked.yaml');
    expect(await check(right)).toEqual({
      code: 0,
      stdout: `${file} is right: 1 rules are on, for 2 destinations\n`,
      stderr:
        `warning: ${file}:2: destinations.shop: SHOP_SECRETS not set here; the notifier does not start without ` +
        `it\nwarning: ${file}:3: destinations.chat: CHAT_URL not set here; without it this destination is off\n`,
    });
    expect(await check(right, { SHOP_SECRETS: SECRET, CHAT_URL: 'https://hooks.example' })).toMatchObject({
      stderr: '',
    });
  });

  test('all mistakes at once, in the file and in the environment, each with its name and line; exit 1', async () => {
    const wrong = right.replace('payment.captured', 'payment.teleported').replace('[shop, chat]', 'pager');
    const { code, stdout } = await check(wrong, { SHOP_SECRETS: 'guess-me-not' }, '--json');
    expect(code).toBe(1);
    expect(stdout).not.toContain('guess-me-not');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      rules: null,
      mistakes: [
        {
          line: 2,
          at: 'destinations.shop',
          text: expect.stringContaining('SHOP_SECRETS must be 1 to 5 secrets') as string,
        },
        { line: 5, at: 'rules.captured.when', text: expect.stringContaining('no fact "payment.teleported"') as string },
        { line: 5, at: 'rules.captured.to', text: 'there is no destination "pager"' },
      ],
      warnings: [{ line: 3, at: 'destinations.chat' }],
    });
    expect((await check(wrong, { SHOP_SECRETS: 'guess-me-not' })).stdout).toMatch(/\n3 mistakes\n$/);
  });

  test('a file that is not there is a wrong command', async () => {
    expect(await dakiaWith({}).run('--data-dir', folder, 'notify', 'check', join(folder, 'none.yaml'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('none.yaml cannot be read (ENOENT)') as string,
    });
  });
});
