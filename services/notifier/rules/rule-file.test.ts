import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { factKinds } from '#catalogue';
import { readRuleFile } from './rule-file.ts';

const example = readFileSync(join(import.meta.dirname, '../../../deploy/notifications.example.yaml'), 'utf8');

const guide = readFileSync(join(import.meta.dirname, '../../../docs/notifications.md'), 'utf8');

const issuesOf = (source: string): readonly string[] => {
  const read = readRuleFile(source, 'rules.yaml');
  return read.ok ? [] : read.issues;
};

/** A file that is right, with its parts replaceable. */
const file = ({ destination = '', template = '', rule = '' }): string => `destinations:
  log: {type: log}
${destination}
templates:
  refund: {title: "Refund {{id}}", text: "{{amount}}"}
${template}
rules:
  - name: refunds
    when: refund.failed
    to: log
    template: refund
${rule}
`;

describe('the shipped file', () => {
  test('passes every check and needs no variable', () => {
    expect(issuesOf(example)).toEqual([]);
  });

  test('has the defaults that are promised, payment.failed off', () => {
    const read = readRuleFile(example, 'example');
    if (!read.ok) throw new Error(read.issues.join('\n'));
    const told = read.value.rules.flatMap(({ when }) => [...when]);
    for (const kind of [
      'dispute.opened',
      'dispute.reopened',
      'dispute.lost',
      'downtime.started',
      'downtime.resolved',
      'refund.failed',
      'fund_account.validation.failed',
      'account.instantly_activated',
      'account.activated_kyc_pending',
      'account.suspended',
      'account.funds_held',
      'account.rejected',
      'payment_link.paid',
      'payment_link.partially_paid',
      'payment_link.expired',
      'invoice.paid',
      'invoice.partially_paid',
      'invoice.expired',
      'payment.captured',
    ])
      expect(told).toContain(kind);
    expect(told).not.toContain('payment.failed');
    expect(read.value.rules.find(({ name }) => name === 'disputes')?.reminders).toMatchObject({
      before: 'respond_by',
      hours: [72, 24, 6],
      while: ['open', 'action_required'],
    });
  });
});

describe('docs/notifications.md', () => {
  test('lists every fact', () => {
    const lacking = factKinds.filter((kind) => !guide.includes(`\`${kind}\``));
    expect(lacking.map((kind) => `docs/notifications.md does not name the fact ${kind}`)).toEqual([]);
  });

  test('its example of a rule is right', () => {
    const rules = /```yaml\n(rules:[\s\S]*?)```/.exec(guide)?.[1];
    const words = '{title: a, text: b}';
    expect(
      issuesOf(
        `destinations: {team-slack: {type: log}, team-mail: {type: log}}\n` +
          `templates: {dispute: ${words}, dispute-reminder: ${words}}\n${rules}`,
      ),
    ).toEqual([]);
  });
});

describe('what is wrong is refused with its line', () => {
  test('a right file has no issues', () => {
    expect(issuesOf(file({}))).toEqual([]);
  });

  // The file's own lines: destinations 1, destination 3, templates 4, template 6, rules 7, first rule 8 to 11, rule 12.
  test.each<[string, string, string]>([
    ['no YAML', 'rules: [', 'rules.yaml:1: Flow sequence in block collection must be sufficiently indented'],
    ['a key twice', 'rules: []\nrules: []', 'rules.yaml:2: Map keys must be unique'],
    ['not a map', '- 1', 'rules.yaml:1: file: must be a map'],
    ['a key at the top', `${file({})}colour: red`, 'rules.yaml:13: colour: there is no such key'],
    [
      'more than any person writes',
      `# ${'é'.repeat(256 * 1024)}`,
      'rules.yaml:1: the file is larger than 524288 bytes',
    ],
    ['no rules', 'destinations: {}', 'rules.yaml:1: rules: must be a list of rules'],
    [
      'time zone',
      `${file({})}time_zone: Asia/Nowhere`,
      'rules.yaml:13: time_zone: there is no time zone "Asia/Nowhere"',
    ],
    ['locale', `${file({})}locale: xx_no`, 'rules.yaml:13: locale: there is no locale "xx_no"'],
    [
      'type of destination',
      file({ destination: '  fax: {type: fax}' }),
      'rules.yaml:3: destinations.fax.type: must be http, slack, email or log',
    ],
    [
      'key of destination',
      file({ destination: '  pipe: {type: log, level: info}' }),
      'rules.yaml:3: destinations.pipe.level: there is no such key',
    ],
    [
      'name of destination',
      file({ destination: '  "Big Log": {type: log}' }),
      'rules.yaml:3: destinations.Big Log: must be a name',
    ],
    [
      'limit of destination',
      file({ destination: '  pipe: {type: log, concurrency: 0}' }),
      'rules.yaml:3: destinations.pipe.concurrency: must be at least 1',
    ],
    [
      'http without secret',
      file({ destination: '  api: {type: http, url: "https://a.example"}' }),
      'rules.yaml:3: destinations.api.secrets_env: must be the name of an environment variable',
    ],
    [
      'plain http',
      file({ destination: '  api: {type: http, url: "http://a.example", secrets_env: SECRET}' }),
      'rules.yaml:3: destinations.api.url: must begin with https://',
    ],
    [
      'internal address',
      file({ destination: '  api: {type: http, url: "https://169.254.169.254/", secrets_env: SECRET}' }),
      'rules.yaml:3: destinations.api.url: is the internal address 169.254.169.254',
    ],
    [
      'allow-list',
      file({ destination: '  api: {type: http, url_env: U_RL, secrets_env: SECRET, allow: [10.0.0.0/99]}' }),
      'rules.yaml:3: destinations.api.allow: "10.0.0.0/99" is neither',
    ],
    [
      'two urls',
      file({ destination: '  api: {type: http, url_env: U_RL, url: "https://a.example", secrets_env: SECRET}' }),
      'rules.yaml:3: destinations.api.url: give either url or url_env',
    ],
    [
      'personal column',
      file({
        destination: '  api: {type: http, url_env: U_RL, secrets_env: SECRET, personal_columns: [amount_minor]}',
      }),
      'rules.yaml:3: destinations.api.personal_columns: no table has a personal column "amount_minor"',
    ],
    [
      'template',
      file({ template: '  broken: {title: a, text: "{{id"}' }),
      'rules.yaml:6: templates.broken.text: "{{" is never closed',
    ],
    [
      'title of lines',
      file({ template: '  broken: {title: "a\\nb", text: a}' }),
      'rules.yaml:6: templates.broken.title: must be one line',
    ],
    [
      'variable',
      file({
        template: '  wrong: {title: a, text: "{{respond_by}}"}',
        rule: '  - {name: b, when: refund.failed, to: log, template: wrong}',
      }),
      'rules.yaml:6: templates.wrong.text: there is no variable "respond_by" in a notification about refunds',
    ],
    [
      'variable of one of two families',
      file({ rule: '  - {name: b, when: [refund.failed, dispute.lost], to: log, title: "{{phase}}", text: "{{id}}"}' }),
      'rules.yaml:12: rules.b.title: there is no variable "phase" in a notification about refunds',
    ],
    [
      'reminder variable at once',
      file({ rule: '  - {name: b, when: dispute.lost, to: log, title: "{{hours_before}}", text: "{{id}}"}' }),
      'there is no variable "hours_before" in a notification about disputes',
    ],
    [
      'fact',
      file({ rule: '  - {name: b, when: dispute.open, to: log}' }),
      'rules.yaml:12: rules.b.when: there is no fact "dispute.open"; facts of dispute are dispute.opened, ',
    ],
    [
      'destination of a rule',
      file({ rule: '  - {name: b, when: refund.failed, to: [log, pager]}' }),
      'rules.yaml:12: rules.b.to: there is no destination "pager"',
    ],
    [
      'template of a rule',
      file({ rule: '  - {name: b, when: refund.failed, to: log, template: refunds}' }),
      'rules.yaml:12: rules.b.template: there is no template "refunds"',
    ],
    [
      'two rules of one name',
      file({ rule: '  - {name: refunds, when: refund.failed, to: log}' }),
      'rules.yaml:12: rules.refunds.name: another rule is called "refunds" as well',
    ],
    [
      'key of a rule',
      file({ rule: '  - {name: b, when: refund.failed, too: log, to: log}' }),
      'rules.yaml:12: rules.b.too: there is no such key',
    ],
    [
      'column',
      file({ rule: '  - {name: b, when: refund.failed, to: log, if: {severity: high}}' }),
      'rules.yaml:12: rules.b.if.severity: refunds have no column "severity"',
    ],
    [
      'column of every object',
      file({ rule: '  - {name: b, when: refund.failed, to: log, if: {constructor: high}}' }),
      'refunds have no column "constructor"',
    ],
    [
      'value of a closed list',
      file({ rule: '  - {name: b, when: downtime.started, to: log, if: {severity: hihg}}' }),
      'rules.b.if.severity: is one of low, medium, high',
    ],
    [
      'value of another type',
      file({ rule: '  - {name: b, when: payment.failed, to: log, if: {international: "yes"}}' }),
      'rules.b.if.international: must be compared with a boolean',
    ],
    [
      'operator',
      file({ rule: '  - {name: b, when: payment.failed, to: log, if: {method: {like: upi}}}' }),
      'rules.yaml:12: rules.b.if.method',
    ],
    [
      'amount without currency',
      file({ rule: '  - {name: b, when: payment.failed, to: log, if: {amount: {over: 5}}}' }),
      'payments have no column "amount"; for amount in a currency write {over: 500, currency: INR}',
    ],
    [
      'currency',
      file({ rule: '  - {name: b, when: payment.failed, to: log, if: {amount: {over: 5, currency: RUPEE}}}' }),
      'there is no currency "RUPEE"',
    ],
    [
      'digits of a currency',
      file({ rule: '  - {name: b, when: payment.failed, to: log, if: {amount: {over: 5.5, currency: JPY}}}' }),
      'an amount in JPY has at most 0 digits after the point',
    ],
    [
      'amount of what has none',
      file({ rule: '  - {name: b, when: downtime.started, to: log, if: {amount: {over: 5, currency: INR}}}' }),
      'downtimes have no amount "amount"',
    ],
    [
      'time column',
      file({
        rule: '  - {name: b, when: dispute.opened, to: log, reminders: {before: phase, hours: [1], while: open}}',
      }),
      'rules.yaml:12: rules.b.reminders.before: disputes have no time column "phase"',
    ],
    [
      'status',
      file({
        rule:
          '  - {name: b, when: dispute.opened, to: log, reminders: {before: respond_by, hours: ' +
          '[1], while: [opened]}}',
      }),
      'rules.b.reminders.while: disputes have no status "opened"; they have open, ',
    ],
    [
      'nothing to tell',
      file({ rule: '  - {name: b, when: dispute.opened, to: log, at_once: false}' }),
      'rules.b.at_once: a rule that tells nothing at once needs reminders',
    ],
    [
      'title alone',
      file({ rule: '  - {name: b, when: dispute.opened, to: log, title: a}' }),
      'rules.b.title: a title and a text go together',
    ],
    [
      'template and title',
      file({ rule: '  - {name: b, when: refund.failed, to: log, template: refund, title: a, text: b}' }),
      'rules.b.template: give either a template or a title and a text',
    ],
  ])('%s', (_name, source, expected) => {
    const issues = issuesOf(source);
    expect(issues.some((issue) => issue.includes(expected)) ? [] : issues).toEqual([]);
    expect(issues).not.toEqual([]);
  });

  test('everything at once, by line, each once', () => {
    const source = file({
      destination: '  fax: {type: fax}',
      template: '  broken: {title: "{{", text: a}',
      rule:
        '  - {name: b, when: dispute.open, to: pager, if: {phase: x}}\n' +
        '  - {name: c, when: refund.failed, to: fax, template: broken}\n  - {name: d, when: refund.lost, to: log}',
    });
    expect(issuesOf(source).map((issue) => issue.slice(0, issue.indexOf(':', 11)))).toEqual([
      'rules.yaml:3',
      'rules.yaml:6',
      'rules.yaml:12',
      'rules.yaml:12',
      'rules.yaml:14',
    ]);
  });

  test('a secret in the place of its variable is refused and not shown', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const issues = issuesOf(
      file({
        destination:
          `  api: {type: http, url: "https://a.example", secrets_env: ${secret}}\n` +
          '  chat: {type: slack, url_env: "https://hooks.slack.com/services/T/B/x"}',
      }),
    );
    expect(issues).toHaveLength(2);
    expect(issues.join('\n')).toContain('never its value');
    expect(issues.join('\n')).not.toMatch(/MfKQ9r8GKYqr|hooks\.slack/);
  });

  test('a rule that is off is checked, and then not there', () => {
    const off = (when: string): string => file({ rule: `  - {name: b, enabled: false, when: ${when}, to: log}` });
    expect(issuesOf(off('refund.lost'))).toHaveLength(1);
    const read = readRuleFile(off('refund.processed'), 'rules.yaml');
    expect(read.ok && read.value.rules.map(({ name }) => name)).toEqual(['refunds']);
  });

  test('anchors are followed; a file that blows up is refused', () => {
    expect(
      issuesOf(
        'destinations: {log: {type: log}}\nrules:\n  - {name: a, when: refund.failed, to: &to [log]}\n' +
          '  - {name: b, when: refund.processed, to: *to}',
      ),
    ).toEqual([]);
    const bomb = `a: &a [x,x]\n${[...'bcdefghij'].map((name, index) => `${name}: &${name} ` + `[*${'abcdefghi'[index]},*${'abcdefghi'[index]}]`).join('\n')}`;
    expect(issuesOf(bomb).join()).toContain('alias');
  });
});
