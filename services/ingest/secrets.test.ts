import { endpointsInFile, secretsInFile } from './secrets.ts';

const canary = 'canary-secret-of-this-test';
const issuesOf = (read: { readonly ok: boolean; readonly issues?: readonly string[] }): string =>
  read.ok ? 'ok' : (read.issues ?? []).join('; ');
const countOf = (read: ReturnType<typeof secretsInFile>): number => (read.ok ? read.value.length : -1);

test('one secret a line; spaces around it, empty lines and line ends of Windows do not count', () => {
  expect(countOf(secretsInFile('f', 'one\n\n  two \r\n# three\n'))).toBe(3);
});

test.each([
  ['nothing', '', 'f: holds no secret'],
  ['only space', ' \n\t\n', 'f: holds no secret'],
  [
    'too many',
    Array.from({ length: 17 }, (_, index) => `${canary}${index}`).join('\n'),
    'f: holds 17 secrets; 16 is the most',
  ],
  ['one twice', `${canary}\nx\n${canary}`, 'f: holds a secret twice'],
  ['a long one', `x\n${canary.repeat(20)}`, 'f: secret 2 is longer than 256 characters or holds a control character'],
  ['a binary file', `${canary}\u0000\u0001`, 'f: secret 1 is longer than 256 characters or holds a control character'],
])('a file with %s is refused in one sentence that shows no secret', (_, content, issue) => {
  expect(issuesOf(secretsInFile('f', content))).toBe(issue);
});

test('endpoints: a name may have several secrets, a secret may hold colons and commas', () => {
  const read = endpointsInFile('f', '# live and test\ntest-mode: one:two,three\n\nmerchant-2: four\ntest-mode: five\n');
  expect(read.ok && [...read.value].map(([name, secrets]) => [name, secrets.length])).toEqual([
    ['test-mode', 2],
    ['merchant-2', 1],
  ]);
});

test.each([
  ['nothing', '# only a remark\n', 'f: holds no endpoint'],
  [
    'no colon',
    `test-mode ${canary}`,
    'f: line 1 does not begin with a name of lowercase letters, digits and dashes, and a colon',
  ],
  [
    'a strange name',
    `a: b\nTest Mode: ${canary}`,
    'f: line 2 does not begin with a name of lowercase letters, digits and dashes, and a colon',
  ],
  [
    'the default endpoint',
    `default: ${canary}`,
    'f: line 1 names default, whose secrets are RAZORPAY_WEBHOOK_SECRETS or RAZORPAY_WEBHOOK_SECRETS_FILE',
  ],
  ['a name without a secret', 'test-mode:', 'f: endpoint test-mode: holds no secret'],
  [
    'too many',
    Array.from({ length: 101 }, (_, index) => `e${index}: ${canary}`).join('\n'),
    'f: holds 101 endpoints; 100 is the most',
  ],
])('an endpoints file with %s is refused in one sentence that shows no secret', (_, content, issue) => {
  expect(issuesOf(endpointsInFile('f', content))).toBe(issue);
});
