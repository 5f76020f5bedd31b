import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '#kit';
import { startSystem } from '../test/kit/system.ts';
import type { System } from '../test/kit/system.ts';

let folder = '';
let system: System;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-observe-'));
  system = await startSystem();
}, 60_000);
afterAll(async () => {
  await system.close();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

const PROGRAM = join(import.meta.dirname, 'observe.ts');
const observe = () => {
  const child = spawn(process.execPath, [PROGRAM, '--data-dir', folder, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, said: () => said, ended };
};

test('without npm start it says what to do', async () => {
  const { said, ended } = observe();
  expect(await ended).toBe(1);
  expect(said()).toMatch(/ports\.json is not there: run npm start first.*\n\(DAKIA_START_REQUIREMENTS\)/);
}, 30_000);

interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

test('beside running services it prints a URL where their metrics and the alerts are, and ends when asked to', async () => {
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ ingest: system.opsPort(), payments: system.opsPort() }));
  const { child, said, ended } = observe();
  try {
    const url = await eventually('a URL', () => /Prometheus {5}(http:\S+)/.exec(said())?.[1], 30_000);
    await eventually(
      'the services are scraped',
      async () => {
        const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent('sum(up{job="dakia"})')}`);
        return ((await answer.json()) as Answer).data.result[0]?.value[1] === '1';
      },
      30_000,
    );
    await eventually(
      'the watchdog fires',
      async () => (await (await fetch(`${url}/api/v1/alerts`)).text()).includes('DakiaWatchdog'),
      30_000,
    );
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
}, 100_000);
