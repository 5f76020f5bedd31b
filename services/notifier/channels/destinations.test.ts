import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, startReceiver } from '#kit/receiver';
import { createLogger } from '#platform/log';
import { instant } from '#rules';
import { testMessage } from '../rules/compose.ts';
import { readRuleFile } from '../rules/rule-file.ts';
import type { NotificationRules } from '../rules/rules.ts';
import type { DeliveryContext } from './channel.ts';
import { openDestinations } from './destinations.ts';
import type { Destinations } from './destinations.ts';
import { CIRCUIT } from './rate-limit.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const lines: string[] = [];
const log = createLogger('notifier', 'info', { write: (line) => void lines.push(line) });
const context: DeliveryContext = {
  notificationId: 'ntf_1',
  sequence: 1,
  attempt: 1,
  signal: new AbortController().signal,
};

const rulesOf = (destinations: string): NotificationRules => {
  const read = readRuleFile(`destinations:\n${destinations}\nrules: []`, 'rules.yaml');
  if (!read.ok) throw new Error(read.issues.join('\n'));
  return read.value;
};
const opened = (rules: NotificationRules, environment: Readonly<Record<string, string>>): Destinations => {
  const read = openDestinations(rules.destinations, environment, log, 'rules.yaml');
  if (!read.ok) throw new Error(read.issues.join('\n'));
  return read.value;
};

describe('what the environment adds', () => {
  const rules = rulesOf(
    '  log: {type: log}\n  api: {type: http, url_env: API_URL, secrets_env: API_SECRETS}\n' +
      '  chat: {type: slack, url_env: CHAT_URL}\n' +
      '  mail: {type: email, smtp_url_env: MAIL_URL, from: a@example.com, to: b@example.com}',
  );
  const good = {
    API_URL: 'https://api.example.com/hook',
    API_SECRETS: SECRET,
    CHAT_URL: 'https://hooks.slack.com/services/T/B/secret',
    MAIL_URL: 'smtps://user:hunter2@mail.example.com:465',
  };
  const issuesOf = (environment: Readonly<Record<string, string>>): readonly string[] => {
    const read = openDestinations(rules.destinations, environment, log, 'rules.yaml');
    return read.ok ? [] : read.issues;
  };

  test('all there', async () => {
    const { open, off } = opened(rules, good);
    expect([...open.values()].map(({ name, type, concurrency }) => [name, type, concurrency])).toEqual([
      ['log', 'log', 64],
      ['api', 'http', 16],
      ['chat', 'slack', 1],
      ['mail', 'email', 2],
    ]);
    expect(off).toEqual([]);
    for (const destination of open.values()) await destination.close();
  });

  test('all that is missing is told at once, by line', () => {
    expect(issuesOf({ CHAT_URL: '' })).toEqual([
      'rules.yaml:3: destinations.api: API_URL and API_SECRETS not set; set it, or make the destination optional',
      'rules.yaml:4: destinations.chat: CHAT_URL not set; set it, or make the destination optional',
      'rules.yaml:5: destinations.mail: MAIL_URL not set; set it, or make the destination optional',
    ]);
  });

  test.each([
    [{ API_URL: 'http://api.example.com/hunter2' }, 'rules.yaml:3: destinations.api: API_URL must begin with https://'],
    [{ API_SECRETS: 'hunter2' }, 'rules.yaml:3: destinations.api: API_SECRETS must be 1 to 5 secrets'],
    [
      { CHAT_URL: 'https://10.0.0.1/hunter2' },
      'rules.yaml:4: destinations.chat: CHAT_URL is the internal address 10.0.0.1',
    ],
    [{ MAIL_URL: 'mailto:hunter2' }, 'rules.yaml:5: destinations.mail: MAIL_URL must be smtp://'],
  ])('what is wrong is refused and not shown: %j', (wrong, issue) => {
    const issues = issuesOf({ ...good, ...wrong });
    expect(issues).toEqual([expect.stringContaining(issue)]);
    expect(issues.join()).not.toContain('hunter2');
  });

  test('an optional destination is off until its variables are set', () => {
    const { open, off } = opened(rulesOf('  chat: {type: slack, url_env: CHAT_URL, optional: true}'), {});
    expect([...open.keys()]).toEqual([]);
    expect(off).toEqual([{ name: 'chat', missing: ['CHAT_URL'] }]);
  });
});

describe('deliveries', () => {
  test('the log has ids, and nothing of the row', async () => {
    const rules = rulesOf('  log: {type: log}');
    const message = testMessage(rules, instant(1_700_000_000_000));
    const personal = {
      ...message,
      subject: { ...message.subject, columns: { email: 'asha@example.com', amount_minor: 77_777 } },
    };
    lines.length = 0;
    expect(await opened(rules, {}).open.get('log')?.deliver(personal, context)).toEqual({
      kind: 'delivered',
      response: 'logged',
    });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      notification: 'ntf_1',
      type: 'dakia.test',
      key: 'pay_DakiaTest00000',
      sequence: 1,
      attempt: 1,
    });
    expect(lines[0]).not.toMatch(/asha|77777/);
  });

  test('a dead destination opens its circuit and is left alone; its neighbour goes on; the rate holds', async () => {
    const [deadReceiver, wellReceiver] = [await startReceiver(answers.status(500)), await startReceiver()];
    const rules = rulesOf(
      `  dead: {type: http, url: "${deadReceiver.url.href}", secrets_env: S_ECRET, allow: [127.0.0.1]}\n` +
        `  well: {type: http, url: "${wellReceiver.url.href}", secrets_env: S_ECRET, allow: [127.0.0.1], ` +
        'rate_per_second: 0.01}',
    );
    const { open } = opened(rules, { S_ECRET: SECRET });
    const [dead, well] = [open.get('dead'), open.get('well')];
    const message = testMessage(rules, instant(1_700_000_000_000));
    for (let i = 0; i < CIRCUIT.failuresToOpen; i++)
      expect(await dead?.deliver(message, context)).toEqual({ kind: 'retry', reason: 'HTTP 500' });
    expect(dead?.circuit()).toBe('open');
    expect(await dead?.deliver(message, context)).toMatchObject({ kind: 'deferred', reason: 'circuit' });
    expect(deadReceiver.received).toHaveLength(CIRCUIT.failuresToOpen);

    expect(await well?.deliver(message, context)).toEqual({ kind: 'delivered', response: 'HTTP 200' });
    expect(await well?.deliver(message, context)).toMatchObject({ kind: 'deferred', reason: 'rate' });
    for (const destination of open.values()) await destination.close();
    await Promise.all([deadReceiver.close(), wellReceiver.close()]);
  });

  test('a URL that was changed in its file is used from the next delivery on; what makes no sense changes nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dakia-destinations-'));
    const file = join(folder, 'url');
    const [one, two] = [await startReceiver(), await startReceiver()];
    writeFileSync(file, `${one.url.href}\n`);
    const rules = rulesOf('  api: {type: http, url_env: API_URL, secrets_env: API_SECRETS, allow: [127.0.0.1]}');
    const environment = { API_URL_FILE: file, API_SECRETS: SECRET };
    const api = opened(rules, environment).open.get('api');
    const message = testMessage(rules, instant(1_700_000_000_000));
    const deliver = async (): Promise<readonly number[]> => {
      expect(await api?.deliver(message, context)).toMatchObject({ kind: 'delivered' });
      return [one.received.length, two.received.length];
    };
    lines.length = 0;
    expect(await deliver()).toEqual([1, 0]);
    writeFileSync(file, two.url.href);
    expect(await deliver()).toEqual([1, 1]);
    writeFileSync(file, 'http://10.0.0.1/hunter2');
    expect(await deliver()).toEqual([1, 2]);
    rmSync(folder, { recursive: true });
    expect(await deliver()).toEqual([1, 3]);
    expect(lines.join('')).toMatch(/API_URL must begin with https.*API_URL_FILE: .* cannot be read \(ENOENT\)/s);
    expect(lines.join('')).not.toContain('hunter2');
    await api?.close();
    await Promise.all([one.close(), two.close()]);
    const read = openDestinations(rules.destinations, { ...environment, API_URL: one.url.href }, log, 'rules.yaml');
    expect(read).toMatchObject({
      issues: ['rules.yaml:2: destinations.api: API_URL: is set together with API_URL_FILE; set one of them'],
    });
  });
});
