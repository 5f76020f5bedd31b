/** `npm start` and `npm run dev`: the servers, prepared, and all services on them; stays until it is stopped. */
import { join, relative, resolve } from 'node:path';
import { processEnvironment } from '#platform/config';
import type { Environment } from '#platform/config';
import { now } from '#platform/time';
import type { Periodic } from '#platform/time';
import { allServices } from '../services/services.ts';
import { developmentDefaults } from './development-defaults.ts';
import { writeEnvFile } from './env-file.ts';
import type { StateFolder } from './folders.ts';
import { LaunchFailure } from './launch-failure.ts';
import { launch } from './launch.ts';
import type { Work } from './launch.ts';
import { createMaintenance } from './maintenance.ts';
import { readOptions } from './options.ts';
import type { LaunchOptions } from './options.ts';
import { loginsFor } from './postgres.ts';
import { prepare } from './prepare.ts';
import { reportToStdout, secondsSince } from './progress.ts';
import { readingPlace } from './reading-place.ts';
import { runProgram } from './run-program.ts';
import { searchKeySource, secretFile } from './secret.ts';
import { planServicePorts, servicePortNeeds, writePortsFile } from './service-ports.ts';
import type { ServicePorts } from './service-ports.ts';
import { startServicesApart } from './services-apart.ts';
import { startServicesHere } from './services-here.ts';
import { startServicesWatched } from './services-watched.ts';

const USAGE = `npm start [-- --port N --data-dir D --separate]

Starts Kafka, the schema registry, Postgres and Redis, creates topics and tables, and runs every service.
  --port N       port of the webhook (default: DAKIA_WEBHOOK_PORT or 8080; 0 takes a free one)
  --data-dir D   folder for data, logs and process ids (default: .dakia)
  --separate     run every service as a process of its own, started again when it ends
  --watch        start the services again whenever their code changes (npm run dev)
`;
const EXIT_FAILED = 1;

/** The signing secret comes from the environment where it is given there, else from the file that is made once. */
const secretSource = (environment: Environment, folder: StateFolder): Readonly<Record<string, string>> =>
  environment['RAZORPAY_WEBHOOK_SECRETS'] || environment['RAZORPAY_WEBHOOK_SECRETS_FILE']
    ? {}
    : { RAZORPAY_WEBHOOK_SECRETS_FILE: secretFile(folder) };

/** The rules in use, for `dakia notify test` in another folder too. */
const rulesSource = ({ DAKIA_NOTIFICATIONS_FILE: file }: Environment): Readonly<Record<string, string>> =>
  file ? { DAKIA_NOTIFICATIONS_FILE: resolve(file) } : {};

const run = async ({ dataDir, webhookPort, separate, watch }: LaunchOptions): Promise<number> => {
  const started = performance.now();
  const environment = processEnvironment();
  const names = allServices.map(({ name }) => name);
  const ports = await planServicePorts({ services: names, environment, webhookPort, separate });
  return launch({
    dataDir,
    portNeeds: servicePortNeeds(ports),
    work: async ({ addresses, own, folder }, signal) => {
      const found = {
        ...addresses,
        ...secretSource(environment, folder),
        ...searchKeySource(environment, folder),
        ...rulesSource(environment),
        DAKIA_WEBHOOK_PORT: String(ports.webhook),
        DAKIA_INGEST_OPS_URLS: `http://127.0.0.1:${ports.ops['ingest']}`,
      };
      const complete = { ...developmentDefaults, ...environment, ...found };
      await prepare(complete, reportToStdout, signal);
      writePortsFile(folder, ports);
      writeEnvFile(folder, found);
      const logins = await loginsFor({ addresses, own, folder });
      const ofServices = { ...complete, ...(logins !== undefined && { DATABASE_URL: logins.dakia_services }) };
      const opsPort = ports.ops['ingest'] ?? 0;
      const work = separate
        ? await startServicesApart(allServices, ports.ops, ofServices, folder, reportToStdout, signal)
        : watch
          ? await startServicesWatched(opsPort, ofServices, folder, reportToStdout)
          : await startServicesHere(allServices, { ...ofServices, DAKIA_OPS_PORT: String(opsPort) }, folder);
      reportToStdout('services', `${names.join(', ')} ready (${secondsSince(started)} since the start)`);
      process.stdout.write(finalBlock(ports, folder, { ...found, ...logins }));
      return withMaintenance(work, createMaintenance(complete, reportToStdout));
    },
  });
};

/** Stopped before the services; it starts anew with them, so that nothing is lost when it is cut short. */
const withMaintenance = async (work: Work, maintenance: Periodic): Promise<Work> => {
  await maintenance.start();
  return {
    ...work,
    stop: async () => {
      await maintenance.stop(now()).catch(() => undefined);
      return work.stop();
    },
  };
};

const finalBlock = (
  { webhook, ops }: ServicePorts,
  folder: StateFolder,
  found: Readonly<Record<string, string>>,
): string => {
  const root = relative(process.cwd(), folder.root) || '.';
  const isDefault = root === '.dakia';
  const others =
    new Set(Object.values(ops)).size > 1 ? `, of the other services see ${join(folder.root, 'ports.json')}` : '';
  return `
Dakia is ready; Ctrl-C stops it.

  webhook        http://127.0.0.1:${webhook}/webhooks/razorpay
  secret         ${found['RAZORPAY_WEBHOOK_SECRETS_FILE'] ?? 'as set in the environment'}
  Postgres       ${readingPlace(folder, found)}
  settings       ${join(folder.root, 'env')}
  health         http://127.0.0.1:${ops['ingest'] ?? ''}/readyz${others}
  logs           ${folder.logs}

Send it some events:

  npx dakia${isDefault ? '' : ` --data-dir ${folder.root}`} simulate --count 200 --duplicates 0.2 --shuffle

`;
};

const runOrExplain = async (options: LaunchOptions): Promise<number> => {
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof LaunchFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT_FAILED;
  }
};

await runProgram(USAGE, readOptions(process.argv.slice(2)), runOrExplain);
