import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileCacheFolder } from '../../../cli/compile-cache.cjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/**
 * Starts and stops a process without services, and prints what of
 * OpenTelemetry was asked for besides its API, which prom-client loads.
 */
const PROGRAM = `
import { registerHooks } from 'node:module';
const asked = [];
registerHooks({ resolve: (name, context, next) => { asked.push(name); return next(name, context); } });
const { startServices } = await import('#platform/service');
const started = await startServices('test', [], { DAKIA_OPS_PORT: '0', DAKIA_LOG_LEVEL: 'fatal', ...process.env });
await started.value.stop();
console.log(JSON.stringify(asked.filter((name) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api')));
process.exit(0);
`;
const loaded = async (environment: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM],
    { cwd: ROOT, env: { NODE_COMPILE_CACHE: compileCacheFolder(), ...environment } },
  );
  return JSON.parse(stdout) as string[];
};

test('without a collector nothing of OpenTelemetry is loaded', async () => {
  expect(await loaded({})).toEqual([]);
  expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })).toContain('@opentelemetry/sdk-trace');
}, 30_000);
