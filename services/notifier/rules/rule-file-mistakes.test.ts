import fc from 'fast-check';
import { readRuleFile } from './rule-file.ts';

const issuesOf = (source: string): readonly string[] => {
  const read = readRuleFile(source, 'rules.yaml');
  return read.ok ? [] : read.issues;
};

test('a mistake in the shape of something hides no other, and brings none that are not there', () => {
  const source = `colour: red
time_zone: Asia/Nowhere
time_zone: Asia/Nowhere
destinations:
  shop: {type: http, secrets_env: SECRET, url: "http://a.example", level: 1, concurrency: 0}
  log: {type: log}
  mail: {type: email, from: me, to: [a@b.example], smtp_url_env: small}
templates:
  refund: {title: "", text: "{{id"}
  dispute: {title: 7, text: "{{hours_before}} {{nothing}}"}
rules:
  - {name: first, when: [dispute.opened, dispute.open], to: pager, if: {phase: {like: x}, severity: high, amount: 5}, template: dispute, at_once: "yes"}
  - {name: "Not a name", when: refund.lost, to: [], colour: red, reminders: {before: phase, hours: 1, while: opened}}
  - {name: third, when: dispute.opened, to: log, at_once: false, reminders: {before: phase, hours: [0], while: opened, title: a}}
  - just a line
`;
  // Up to where a list of what there is begins.
  expect(issuesOf(source).map((issue) => issue.replace(/;.*$/, '').slice('rules.yaml:'.length))).toEqual([
    '1: colour: there is no such key',
    '2: time_zone: there is no time zone "Asia/Nowhere"',
    '3: Map keys must be unique',
    '5: destinations.shop.concurrency: must be at least 1',
    '5: destinations.shop.level: there is no such key',
    '5: destinations.shop.url: must begin with https:// (http:// only for hosts that `allow` names)',
    '7: destinations.mail.smtp_url_env: must be the NAME of an environment variable (capitals, ' +
      'digits, _), never its value',
    '7: destinations.mail.from: must be an e-mail address',
    '9: templates.refund.title: must not be empty',
    '9: templates.refund.text: "{{" is never closed with "}}" (character 1)',
    '10: templates.dispute.title: must be text',
    '10: templates.dispute.text: there is no variable "hours_before" in a notification about disputes',
    '10: templates.dispute.text: there is no variable "nothing" in a notification about disputes',
    '12: rules.first.if.phase.like: there is no such key',
    '12: rules.first.at_once: must be true or false',
    '12: rules.first.when: there is no fact "dispute.open"',
    '12: rules.first.if.severity: disputes have no column "severity"',
    '12: rules.first.if.amount: disputes have no column "amount"',
    '12: rules.first.to: there is no destination "pager"',
    '13: rules[1].name: must be a name of small letters, digits, - and _, at most 63',
    '13: rules[1].to: must name at least one: the name of a destination',
    '13: rules[1].reminders.hours: must be a list of numbers of hours',
    '13: rules[1].colour: there is no such key',
    '13: rules[1].when: there is no fact "refund.lost"',
    '14: rules.third.reminders.hours[0]: must be at least 0.25',
    '14: rules.third.reminders.before: disputes have no time column "phase"',
    '14: rules.third.reminders.while: disputes have no status "opened"',
    '14: rules.third.reminders.title: a title and a text go together',
    '15: rules[3]: must be a map with name, when and to',
  ]);
});

test('whatever stands in the file, it is told by line, and nothing breaks', () => {
  const key = fc.constantFrom(
    'destinations',
    'rules',
    'templates',
    'log',
    'type',
    'when',
    'to',
    'if',
    'reminders',
    'name',
    'title',
    'over',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>('log', 'http', 'dispute.opened', '{{id}}', '', 1, true, null),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(key, tie('any'), { maxKeys: 5 }),
    ),
  })).any;
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 5 }), (data) => {
      for (const issue of issuesOf(JSON.stringify(data))) expect(issue).toMatch(/^rules\.yaml:1: \S/);
    }),
    { numRuns: 500 },
  );
});
