import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { instant } from '#rules';
import { COMPRESSION, plan, recallRun, rememberRun, send, simulation } from '#simulator';
import type { SendReport, SimulationSettings } from '#simulator';
import { dataDirOf, exitCodes, print, printJson, printLine, printList, share, warn, wholeNumber } from '../output.ts';
import { progressBar } from '../progress.ts';
import { receiverOf, withReceiver } from '../receiver-options.ts';
import type { ReceiverOptions } from '../receiver-options.ts';
import { allStories, asOptions, settled, withSimulationOptions } from '../simulation-options.ts';
import type { SimulationOptions } from '../simulation-options.ts';

interface Options extends SimulationOptions, ReceiverOptions {
  readonly rate: number;
  readonly concurrency: number;
  readonly duplicates: number;
  readonly shuffle: boolean;
  readonly tamper: number;
  readonly retry: boolean | number;
  readonly json: boolean;
}

/** Enough for every story to be told at least once. */
const DEFAULT_COUNT = 200;
const [SEED_END, RATE_MAX, CONCURRENCY_MAX, COMPRESSION_MAX] = [2 ** 32, 100_000, 1_000, 1_000_000];

export const addSimulate = (program: Command): void => {
  const command = program
    .command('simulate')
    .description(
      'Send signed webhooks as Razorpay would, made up from stories. Exits 1 when an answer is not the expected one.',
    );
  withReceiver(
    withSimulationOptions(command, {
      seed: 'a random number',
      count: String(DEFAULT_COUNT),
      stories: 'all',
      at: 'now, or the time of the last run with this seed',
    }),
  )
    .option('--rate <n>', 'first deliveries per second; 0 is as fast as the answers come', wholeNumber(0, RATE_MAX), 0)
    .option('--concurrency <n>', 'requests in flight at once', wholeNumber(1, CONCURRENCY_MAX), 16)
    .option('--duplicates <share>', 'share of the events that is delivered twice, 0 to 1', share, 0)
    .option('--shuffle', 'send in any order instead of the true one', false)
    .option(
      '--tamper <share>',
      'for this share of the events send a forgery as well; it must be answered 401',
      share,
      0,
    )
    .option<number | boolean>(
      '--retry [factor]',
      `repeat what is not answered 2xx on Razorpay's 24 h schedule, this many times faster (default: ` +
        `${COMPRESSION}, which makes it 68 s)`,
      wholeNumber(1, COMPRESSION_MAX),
      false,
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText(
      'after',
      '\nExample:\n  npx dakia simulate --count 2000 --duplicates 0.2 --shuffle --tamper 0.01\n\n' +
        'Requests: count + round(count x duplicates) + round(count x tamper), and the\nretries.',
    )
    .action(simulate);
};

const simulate = async (options: Options, command: Command): Promise<void> => {
  const { url, secret } = receiverOf(options, command);
  const folder = dataDirOf(command);
  const seed = options.seed ?? String(randomInt(SEED_END));
  const at = recallRun(folder, seed)?.at ?? instant(Math.floor(Date.now() / 1000) * 1000);
  const run = settled(options, { seed, count: DEFAULT_COUNT, stories: allStories, at });
  remember(folder, run);
  const deliveries = plan(simulation(run).events, { ...options, seed });
  const bar = progressBar('sending', deliveries.length);
  const compression = options.retry === true ? COMPRESSION : options.retry === false ? 0 : options.retry;
  const report = await send(deliveries, {
    url,
    secret,
    concurrency: options.concurrency,
    rate: options.rate,
    compression,
    onProgress: bar.advance,
  });
  bar.end();

  const verify = `npx dakia verify ${asOptions(run)}`;
  if (options.json)
    printJson({ ok: report.unexpected === 0, ...run, at: run.at / 1000, url: url.href, ...report, verify });
  else describe(report, verify);
  if (report.unexpected > 0) process.exitCode = exitCodes.notAsExpected;
};

const remember = (folder: string, run: SimulationSettings): void => {
  try {
    rememberRun(folder, run);
  } catch (error) {
    warn(
      `The seed is not remembered, because ${folder} cannot be written ` +
        `(${error instanceof Error ? error.message : String(error)}); verify with all options that are printed.`,
    );
  }
};

const describe = (report: SendReport, verify: string): void => {
  const { genuine, again, tampered } = report.deliveries;
  const answers = Object.entries(report.answers)
    .map(([answer, requests]) => `${answer}: ${requests}`)
    .join(', ');
  const surprises = report.surprises.map(
    ({ eventId, event, kind, expected, found }) => `  ${kind} ${event} ${eventId}: expected ${expected}, got ${found}`,
  );
  const rows = [
    ['sent', `${report.sent} requests: ${genuine} events, ${again} again, ${tampered} tampered`],
    ['answers', answers],
    ['retried', String(report.retried)],
    ['latency', report.p50Ms === null ? 'no answers' : `p50 ${report.p50Ms} ms, p99 ${report.p99Ms} ms`],
    ['rate', `${report.perSecond}/s over ${report.seconds} s`],
    ['unexpected', String(report.unexpected)],
  ];
  printList(rows);
  for (const surprise of surprises) printLine(surprise, 'bad');
  print(`\nCompare with Postgres:\n  ${verify}`);
};
