import type { Command } from 'commander';
import { postgresSettings, variablesOf } from '#platform/config';
import { runConformance, scenarios } from '#simulator';
import type { ConformanceReport } from '#simulator';
import { withDatabase } from '../connections.ts';
import { environmentOf, exitCodes, print, printJson, printTable } from '../output.ts';
import { progressBar } from '../progress.ts';
import { receiverOf, withReceiver } from '../receiver-options.ts';
import type { ReceiverOptions } from '../receiver-options.ts';

interface Options extends ReceiverOptions {
  readonly databaseUrl?: string;
  readonly blind: boolean;
  readonly short: boolean;
  readonly json: boolean;
}

export const addConformance = (program: Command): void => {
  withReceiver(
    program
      .command('conformance')
      .description(
        'Run the numbered scenarios of Razorpay that a receiver can show against a running Dakia, and print what ' +
          'each came to. It leaves made-up payments behind and their facts are told: not for production. ' +
          'Exits 1 when one fails.',
      ),
  )
    .option('--database-url <url>', 'its Postgres (default: DATABASE_URL); without one only answers are seen')
    .option('--blind', 'look at no Postgres, also where there is one', false)
    .option('--short', 'fewer repetitions', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia conformance --url http://127.0.0.1:8080/webhooks/razorpay')
    .action(run);
};

const run = async (options: Options, command: Command): Promise<void> => {
  const receiver = receiverOf(options, command);
  const given = { DATABASE_URL: options.databaseUrl };
  const isSeen = !options.blind && (options.databaseUrl !== undefined || hasDatabase(options, command));
  const size = options.short ? 'short' : 'whole';
  const bar = progressBar('scenarios', scenarios.length);
  const report = await (isSeen
    ? withDatabase(command, undefined, (database) => runConformance(receiver, database, size, bar.advance), given)
    : runConformance(receiver, undefined, size, bar.advance)
  ).finally(() => bar.end());
  if (!report.ok) process.exitCode = exitCodes.notAsExpected;
  if (options.json) return printJson(report);
  show(report);
};

/** A receiver that is named has its own Postgres: that of the state folder is not it. */
const hasDatabase = ({ url }: Options, command: Command): boolean => {
  const environment = url === undefined ? environmentOf(command) : process.env;
  return variablesOf(postgresSettings.databaseUrl).some((name) => environment[name] !== undefined);
};

const show = ({ scenarios: results, summary, ok }: ConformanceReport): void => {
  printTable([
    ['id', 'title', 'evidence', 'result', 'ms', 'proof'],
    ...results.map(({ id, title, evidence, result, ms, proof, deliveries }) => [
      id,
      title,
      evidence,
      result,
      ms ?? '',
      deliveries > proof.length ? `${proof.join(', ')} and ${deliveries - proof.length} more` : proof.join(', '),
    ]),
  ]);
  const failed = results.filter(({ result }) => result === 'failed');
  if (failed.length > 0) {
    print('');
    printTable([['failed', 'why'], ...failed.map(({ id, says }) => [id, says])]);
  }
  print(`\n${summary.replaceAll('; ', '\n')}`, ok ? 'good' : 'bad');
};
