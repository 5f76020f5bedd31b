import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from '#local';
import { ROOT } from '#kit/root';

/** What .ci/run uses of the machine; every other program is a double of this test. */
const TOOLS = ['bash', 'cut', 'dirname', 'grep', 'ldd', 'mktemp', 'rm', 'seq', 'sleep', 'tail', 'tar', 'timeout'];
const ENDS_WITHIN_MS = 60_000;
jest.setTimeout(ENDS_WITHIN_MS);

/** A machine on which everything is there and works; each double is the body of a script. */
const MACHINE = { npm: '', id: 'echo 0', docker: '', dockerd: '', 'apt-get': '', 'apt-cache': '', 'dpkg-deb': '' };
/** There is no engine until dockerd runs. */
const NO_ENGINE = '[ "$1" != info ] || [ -e "$PLACE/up" ]';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'dakia-ci-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const run = (doubles: Readonly<Partial<Record<keyof typeof MACHINE, string | null>>>, ...args: readonly string[]) => {
  for (const tool of TOOLS) symlinkSync(onPath(tool) ?? tool, join(place, tool));
  for (const [name, body] of Object.entries({ ...MACHINE, ...doubles })) {
    if (body === null) continue;
    const file = join(place, name);
    writeFileSync(file, `#!${onPath('bash')}\necho "${name} $*" >>"$PLACE/calls"\n${body}\n`);
    chmodSync(file, 0o755);
  }
  const { status, stdout, stderr } = spawnSync(join(place, 'bash'), [join(ROOT, '.ci', 'run'), ...args], {
    env: { PATH: place, PLACE: place, TMPDIR: place },
    encoding: 'utf8',
    timeout: ENDS_WITHIN_MS,
  });
  const calls = readFileSync(join(place, 'calls'), 'utf8').trimEnd().split('\n');
  return { status, stdout, stderr, calls, npm: calls.filter((call) => call.startsWith('npm ')) };
};

test('where an engine answers, the image follows the tests, and the engine is left alone', () => {
  const { status, npm, calls } = run({});
  expect({ status, npm }).toEqual({ status: 0, npm: ['npm test', 'npm run test:image'] });
  expect(calls.filter((call) => /^dockerd|install/.test(call))).toEqual([]);
});

test('what fails decides: the tests, after which nothing is tried, or the image', () => {
  expect(run({ npm: '[ "$1" != test ] || exit 3' })).toMatchObject({ status: 3, calls: ['npm test'] });
});

test('an image that fails fails the run', () => {
  expect(run({ npm: '[ "$1" != run ] || exit 4' })).toMatchObject({
    status: 4,
    npm: ['npm test', 'npm run test:image'],
  });
});

test('an engine is installed and started where there is none, and ended again', () => {
  const dockerd = `echo $$ >"$PLACE/up"; exec sleep 100`;
  const { status, npm, calls } = run({
    docker: NO_ENGINE,
    dockerd: null,
    'apt-get': `case "$*" in *install*docker.io) printf '#!%s\\n%s\\n' "$BASH" '${dockerd}' >"$PLACE/dockerd"; ${onPath('chmod')} +x "$PLACE/dockerd" ;; esac`,
    'apt-cache': 'exit 1',
  });
  expect({ status, npm }).toEqual({ status: 0, npm: ['npm test', 'npm run test:image'] });
  expect(calls).toContainEqual(expect.stringMatching(/^apt-get .* install --yes .* docker\.io$/));
  expect(existsSync(`/proc/${readFileSync(join(place, 'up'), 'utf8').trim()}`)).toBe(false);
});

test.each([
  ['nobody may start one', { docker: NO_ENGINE, id: 'echo 1000' }, /no container engine answers, and only root may/],
  [
    'none can be installed',
    {
      docker: NO_ENGINE,
      dockerd: null,
      'apt-get': 'case "$*" in *install*) echo "E: no candidate" >&2; exit 100 ;; esac',
    },
    /docker\.io could not be installed: E: no candidate/,
  ],
  [
    'no package can be fetched',
    { 'apt-get': 'echo "E: no route" >&2; exit 100' },
    /no Debian package can be fetched: E: no route/,
  ],
  ['it is no Debian', { 'dpkg-deb': null }, /this is no Debian/],
  [
    'it does not start',
    { docker: NO_ENGINE, dockerd: 'echo "no iptables" >&2; exit 1' },
    /dockerd did not start: no iptables/,
  ],
  [
    'it runs nothing',
    { docker: '[ "$1" != run ] || { echo "cgroup: denied" >&2; exit 125; }' },
    /the engine runs no container: cgroup: denied/,
  ],
] as const)('%s: the image is left out with the reason, and the tests decide', (_, doubles, reason) => {
  const { status, stdout, npm } = run(doubles);
  expect({ status, npm }).toEqual({ status: 0, npm: ['npm test'] });
  expect(stdout).toMatch(reason);
  expect(stdout).toMatch(/^image test left out: /m);
});

test('the image alone, when asked for, must have an engine', () => {
  const { status, stderr, npm } = run({ docker: NO_ENGINE, id: 'echo 1000' }, 'image');
  expect({ status, npm }).toEqual({ status: 1, npm: [] });
  expect(stderr).toMatch(/^the image cannot be tested: no container engine answers/);
});
