import { spawnSync } from 'node:child_process';

/** A process is started, and the machine may be busy with others. */
jest.setTimeout(60_000);

/** Prints until the reader is known to be gone, at most 10 s, and only then ends. */
const PROGRAM = `
  const { runProgram } = await import('./run-program.ts');
  await runProgram('usage', { ok: true, value: { help: false } }, async () => {
    const end = Date.now() + 10_000;
    let isGone = false;
    while (!isGone && Date.now() < end) {
      process.stdout.write('  kafka      ready\\n', (error) => (isGone ||= Boolean(error)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return isGone ? 3 : 4;
  });
`;

test('npm start | head: the servers go on, quietly, and the exit code is theirs', () => {
  const { stderr } = spawnSync(
    'sh',
    ['-c', '{ "$0" --input-type=module -e "$1"; echo "code $?" >&2; } | true', process.execPath, PROGRAM],
    { cwd: import.meta.dirname, encoding: 'utf8', env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' } },
  );
  expect(stderr).toBe('code 3\n');
});
