import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { docker } from '../../deploy/image/docker.ts';
import { ROOT } from '#kit';
import { allServices } from '../../services/services.ts';
import { createSystemFixture } from '../kit/system-fixture.ts';
import type { SystemFixture } from '../kit/system-fixture.ts';
import { startService } from './containers.ts';
import type { RunningService } from './containers.ts';

const SIZE_MAX_MB = 200;
const BUILD_WITHIN_MS = 600_000;
const RUN_WITHIN_MS = 300_000;
const STOP_WITHIN_S = 30;
const APPLIED_WITHIN_MS = 120_000;

let image = process.env['DAKIA_TEST_IMAGE'] ?? '';
let fixture: SystemFixture;
const running = new Map<string, RunningService>();
const everStarted: string[] = [];

const start = async (service: string): Promise<RunningService> => {
  const started = await startService(image, service, {
    ...fixture.environment,
    NODE_OPTIONS: '--max-old-space-size=268',
  });
  running.set(service, started);
  everStarted.push(started.id);
  return started;
};
const get = (service: string): RunningService => {
  const found = running.get(service);
  if (found === undefined) throw new Error(`${service} does not run`);
  return found;
};
const stateOf = ({
  id,
}: RunningService): { readonly Running: boolean; readonly ExitCode: number; readonly OOMKilled: boolean } =>
  JSON.parse(docker(['inspect', '--format', '{{json .State}}', id])) as never;

beforeAll(async () => {
  if (image === '') {
    // Where an engine cannot pull, the bases are made here.
    const built = spawnSync(process.execPath, [join(ROOT, 'deploy', 'image', 'build.ts'), '--local-base'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (built.status !== 0)
      throw new Error('the image could not be built; run npm run image -- --local-base to see why');
    image = readFileSync(join(ROOT, '.dakia', 'image', 'name'), 'utf8').trim();
  }
  fixture = await createSystemFixture();
}, BUILD_WITHIN_MS);

afterAll(async () => {
  for (const id of everStarted) docker(['rm', '--force', id]);
  await fixture.close();
}, RUN_WITHIN_MS);

test('the image is small, belongs to nobody who could change it, and says what it is', () => {
  const [{ Size, Config }] = JSON.parse(docker(['image', 'inspect', image])) as [
    {
      readonly Size: number;
      readonly Config: {
        readonly User: string;
        readonly Labels: Readonly<Record<string, string>>;
        readonly Entrypoint: readonly string[];
        readonly StopSignal: string;
      };
    },
  ];
  process.stdout.write(`size of the image: ${(Size / 1e6).toFixed(1)} MB\n`);
  expect(Size / 1e6).toBeLessThan(SIZE_MAX_MB);
  expect(Config).toMatchObject({ User: '65532:65532', StopSignal: 'SIGTERM' });
  expect(Config.Entrypoint[0]).toBe('/usr/local/bin/node');
  expect(Config.Labels['org.opencontainers.image.revision']).toMatch(/^[0-9a-f]{40}/);
  expect(Config.Labels['org.opencontainers.image.version']).toBe('0.1.0');
});

test('there is no shell in it, and no way to write outside /tmp', () => {
  const runIn = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(
      'docker',
      ['run', '--rm', '--read-only', '--tmpfs', '/tmp', '--entrypoint', '/usr/local/bin/node', image, '-e', ...args],
      { encoding: 'utf8' },
    );
  const found = runIn(
    "console.log(JSON.stringify(['/bin/sh','/usr/bin/sh','/bin/bash','/bin/busybox'].filter((path) => " +
      "require('fs').existsSync(path))), process.getuid())",
  );
  expect(String(found.stdout).trim()).toBe('[] 65532');
  expect(String(runIn("require('fs').writeFileSync('/app/x','')").stderr)).toMatch(/EROFS|EACCES/);
  expect(runIn("require('fs').writeFileSync('/tmp/x','')").status).toBe(0);
});

test('it brings the compiled code of everything that it runs, and Node takes it', () => {
  const traced = spawnSync(
    'docker',
    ['run', '--rm', '--read-only', '--env', 'NODE_DEBUG_NATIVE=COMPILE_CACHE', image, 'cli', '--version'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const files = (pattern: RegExp): ReadonlySet<string> =>
    new Set([...`${traced.stdout}${traced.stderr}`.matchAll(pattern)].map(([, file = '']) => file));
  const accepted = files(/V8 code cache for \w+ (\S+) was accepted/g);
  expect([...accepted]).toEqual(
    expect.arrayContaining(['file:///app/deploy/image/entry.ts', 'file:///app/cli/run.ts']),
  );
  const loaded = files(/reading cache from \S+ for (?:ESM|CommonJS) (\S+?)\.\.\./g);
  expect([...loaded].filter((file) => !accepted.has(file))).toEqual([]);
});

test('a word that is neither a service nor cli is refused with what there is', () => {
  const { status, stderr } = spawnSync('docker', ['run', '--rm', image, 'paymentz'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 78,
    stderr: expect.stringMatching(/Give a service \(.*payments.*\).*"paymentz" is neither/s) as unknown,
  });
});

test(
  'every service runs from it without rights, and its events are applied',
  async () => {
    for (const { name } of allServices) await start(name);
    for (const [name, { readyAfterMs, cpuMs }] of running)
      process.stdout.write(`start to ready: ${name} ${readyAfterMs} ms, ${cpuMs} ms of CPU\n`);
    const { run, unexpected } = await fixture.simulate({ count: 300, duplicates: 0.1, shuffle: true });
    expect(unexpected).toBe(0);
    await fixture.drained(APPLIED_WITHIN_MS);
    expect(await fixture.verify(run, APPLIED_WITHIN_MS)).toMatchObject({ ok: true, shown: [] });
  },
  RUN_WITHIN_MS,
);

test(
  'docker stop drains: exit code 0, and what was sent meanwhile is answered or sent again',
  async () => {
    const { run, answered, done } = fixture.load({ count: 400, rate: 40, retry: true });
    await answered(100);
    for (const service of ['payments', 'ingest']) {
      await get(service).stop(STOP_WITHIN_S);
      expect(stateOf(get(service))).toMatchObject({ Running: false, ExitCode: 0, OOMKilled: false });
      await start(service);
    }
    expect((await done).unexpected).toBe(0);
    await fixture.drained(APPLIED_WITHIN_MS);
    expect(await fixture.verify(run, APPLIED_WITHIN_MS)).toMatchObject({ ok: true, shown: [] });
  },
  RUN_WITHIN_MS,
);

test(
  'docker kill loses nothing that was acknowledged',
  async () => {
    const { run, answered, done } = fixture.load({ count: 400, rate: 40, retry: true });
    await answered(100);
    for (const service of ['payments', 'ingest']) {
      docker(['kill', get(service).id]);
      await start(service);
    }
    expect((await done).unexpected).toBe(0);
    const account = await fixture.drained(APPLIED_WITHIN_MS);
    expect(account.ok).toBe(true);
    expect(await fixture.verify(run, APPLIED_WITHIN_MS)).toMatchObject({ ok: true, shown: [] });
  },
  RUN_WITHIN_MS,
);
