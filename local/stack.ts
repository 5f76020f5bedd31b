/** `npm run stack`: the servers alone, prepared, with their addresses in `.dakia/env`; stays until it is stopped. */
import { processEnvironment } from '#platform/config';
import { unparsed } from '#rules';
import type { Parsed } from '#rules';
import { writeEnvFile } from './env-file.ts';
import { launch } from './launch.ts';
import { readOptions } from './options.ts';
import type { LaunchOptions } from './options.ts';
import { prepare } from './prepare.ts';
import { reportToStdout } from './progress.ts';
import { runProgram } from './run-program.ts';
import { searchKeySource, secretFile } from './secret.ts';

const USAGE = `npm run stack [-- --data-dir D]

Starts Kafka, the schema registry, Postgres and Redis, creates topics and tables, and writes their addresses to D/env.
  --data-dir D   folder for data, logs and process ids (default: .dakia)
`;

/** The options of `npm start` without those that are about services. */
const readStackOptions = (args: readonly string[]): Parsed<LaunchOptions> => {
  const options = readOptions(args);
  return options.ok && (options.value.separate || options.value.watch || options.value.webhookPort !== undefined)
    ? unparsed('--separate, --watch and --port are options of npm start')
    : options;
};

const run = ({ dataDir }: LaunchOptions): Promise<number> =>
  launch({
    dataDir,
    portNeeds: [],
    work: async ({ addresses, folder }, signal) => {
      await prepare({ ...processEnvironment(), ...addresses }, reportToStdout, signal);
      const envFile = writeEnvFile(folder, {
        ...addresses,
        RAZORPAY_WEBHOOK_SECRETS_FILE: secretFile(folder),
        ...searchKeySource(processEnvironment(), folder),
      });
      process.stdout.write(`
The servers are ready; Ctrl-C stops them.

  addresses    ${envFile}
  logs         ${folder.logs}

In another terminal, one service for example:

  . ${envFile}
  node_modules/.bin/node services/payments/main.ts

`);
      return { failed: new Promise(() => undefined), stop: async () => true, kill: async () => undefined };
    },
  });

await runProgram(USAGE, readStackOptions(process.argv.slice(2)), run);
