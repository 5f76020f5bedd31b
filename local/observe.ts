/**
 * `npm run observe`: a Prometheus with the shipped rules over the services of `npm start`; stays until it is stopped.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { codeOf } from '#platform/log';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { repositoryRoot, stateFolder } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import { LOOPBACK, requireFree } from './ports.ts';
import { reportToStdout } from './progress.ts';
import { prometheusFiles } from './prometheus-files.ts';
import { startPrometheus } from './prometheus.ts';
import type { ScrapeJob } from './prometheus.ts';
import { runProgram } from './run-program.ts';
import { listenForStop } from './stop-request.ts';

interface ObserveOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly help: boolean;
}

const PORT = 9090;
const HIGHEST_PORT = 65_535;
const EVERY_SECONDS = 5;
const EXIT_FAILED = 1;
const RULES = join(repositoryRoot, 'deploy', 'observability', 'alerts');
const USAGE = `npm run observe [-- --port N --data-dir D]

Starts a Prometheus with the shipped rules over the services of npm start, which must run already.
  --port N       its port (default: ${PORT}; 0 takes a free one)
  --data-dir D   folder of npm start (default: .dakia)
`;

const readOptions = (args: readonly string[]): Parsed<ObserveOptions> => {
  const options = {
    'data-dir': { type: 'string', default: join(repositoryRoot, '.dakia') },
    port: { type: 'string', default: String(PORT) },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    const port = Number(values.port);
    return Number.isInteger(port) && port >= 0 && port <= HIGHEST_PORT
      ? parsed({ dataDir: values['data-dir'], port, help: values.help })
      : unparsed(`--port is ${JSON.stringify(values.port)}; give a whole number from 0 to ${HIGHEST_PORT}`);
  } catch (error) {
    return unparsed(error instanceof Error ? error.message : String(error));
  }
};

/** Each ops port once: in one process all services share theirs. */
const jobOf = (dataDir: string): ScrapeJob => {
  const file = join(dataDir, 'ports.json');
  try {
    const ports = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, number>>;
    const targets = [...new Set(Object.values(ports))].map((port) => `${LOOPBACK}:${port}`);
    return { name: 'dakia', targets, labels: { namespace: 'local' } };
  } catch {
    throw new LaunchFailure(
      codeOf('start', 'requirements'),
      `${file} is not there: run npm start first, then npm run observe beside it.`,
    );
  }
};

const run = async ({ dataDir, port }: ObserveOptions): Promise<number> => {
  const stop = listenForStop();
  const job = jobOf(dataDir);
  await requireFree([{ port, usedBy: 'Prometheus', setting: '--port' }]);
  const { server, url } = await startPrometheus({
    files: prometheusFiles(reportToStdout),
    folder: stateFolder(join(dataDir, 'observe')),
    port,
    jobs: [job],
    rules: readdirSync(RULES).map((name) => join(RULES, name)),
    everySeconds: EVERY_SECONDS,
  });
  process.stdout.write(`
Prometheus is ready; Ctrl-C stops it, and npm start runs on.

  Prometheus     ${url}
  alerts         ${url}/alerts
  scraped        ${job.targets.join(', ')}
  dashboards     deploy/observability/dashboards, to import into a Grafana

`);
  const died = new Promise<string>((resolve) => server.onDeath(({ message }) => resolve(message)));
  const failure = await Promise.race([stop.requested.then(() => undefined), died]);
  if (failure !== undefined) throw new LaunchFailure(codeOf('start', 'server'), failure);
  await server.stop();
  return 0;
};

const runOrExplain = async (options: ObserveOptions): Promise<number> => {
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof LaunchFailure)) throw error;
    process.stderr.write(`${error.message}\n(${error.code})\n`);
    return EXIT_FAILED;
  }
};

await runProgram(USAGE, readOptions(process.argv.slice(2)), runOrExplain);
