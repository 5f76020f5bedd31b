/** `npm run stack`: the servers alone, prepared, with their addresses in `.dakia/env`; stays until it is stopped. */
import { processEnvironment } from '#runtime/config';
import { writeEnvFile } from './env-file.ts';
import { launch } from './launch.ts';
import { readOptions } from './options.ts';
import { prepare } from './prepare.ts';
import { reportToStdout } from './progress.ts';
import { secretFile } from './secret.ts';

const USAGE = `npm run stack [-- --data-dir D]

Starts Kafka, the schema registry, Postgres and Redis, creates topics and tables, and writes their addresses to D/env.
  --data-dir D   folder for data, logs and process ids (default: .dakia)
`;
const EXIT_USAGE = 2;

const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2));
  const issues = options.ok ? (options.value.separate || options.value.webhookPort !== undefined ? ['--separate and --port are options of npm start'] : []) : options.issues;
  if (!options.ok || issues.length > 0) {
    process.stderr.write(`${issues.join('\n')}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options.value.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  return launch({
    dataDir: options.value.dataDir,
    portNeeds: [],
    work: async ({ addresses, folder }, signal) => {
      await prepare({ ...processEnvironment(), ...addresses }, reportToStdout, signal);
      const envFile = writeEnvFile(folder, { ...addresses, RAZORPAY_WEBHOOK_SECRETS_FILE: secretFile(folder) });
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
};

process.exit(await main());
