import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileCacheFolder } from '../../../cli/compile-cache.cjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** A service that says a detail again and again. */
const PROGRAM = `
import { defineService, startServices } from '#platform/service';
const talking = defineService({
  name: 'talking',
  settings: {},
  components: ({ log }) => [
    { name: 'talk', start: async () => void setInterval(() => log.debug('a detail'), 10), stop: async () => undefined },
  ],
});
await startServices('test', [talking], { DAKIA_OPS_PORT: '0', DAKIA_OPS_HOST: '127.0.0.1' });
`;

test('SIGUSR2 makes a running process say more, and again less', async () => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM],
    { cwd: ROOT, env: { NODE_COMPILE_CACHE: compileCacheFolder() }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const said: string[] = [];
    // Each step waits for the one before it; the test's own limit bounds all of them.
    for await (const line of createInterface(child.stdout)) {
      const { msg } = JSON.parse(line) as { readonly msg: string };
      if (said.includes(msg)) continue;
      said.push(msg);
      if (msg === 'test has started' || msg === 'a detail') child.kill('SIGUSR2');
      if (msg === 'the log is at info again') break;
    }
    expect(said.filter((msg) => msg === 'a detail' || msg.startsWith('the log'))).toEqual([
      'the log is at debug for a while; another SIGUSR2 ends that',
      'a detail',
      'the log is at info again',
    ]);
  } finally {
    child.kill('SIGKILL');
  }
}, 30_000);
