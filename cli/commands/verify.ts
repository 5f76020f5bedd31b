import type { Command } from 'commander';
import { postgresSettings } from '#platform/config';
import { recallRun, verify } from '#simulator';
import type { SimulationSettings, VerifyReport } from '#simulator';
import { withDatabase } from '../connections.ts';
import { dataDirOf, exitCodes, print, printJson, settingsOf, UsageError, wholeNumber } from '../output.ts';
import { allStories, settled, withSimulationOptions } from '../simulation-options.ts';
import type { SimulationOptions } from '../simulation-options.ts';

interface Options extends SimulationOptions {
  readonly databaseUrl?: string;
  readonly wait: number;
  readonly json: boolean;
}

const [WAIT_DEFAULT_S, WAIT_MAX_S] = [30, 3_600];

export const addVerify = (program: Command): void => {
  const command = program
    .command('verify')
    .description(
      'Compare Postgres with the end state of a simulation, row by row and column by column. Exits 1 when they differ.',
    );
  withSimulationOptions(command, {
    seed: 'the last simulation',
    count: 'as simulated',
    stories: 'as simulated',
    at: 'as simulated',
  })
    .option('--database-url <url>', 'Postgres (default: DATABASE_URL)')
    .option(
      '--wait <seconds>',
      'look again for this long while they differ: consumers may still be at work',
      wholeNumber(0, WAIT_MAX_S),
      WAIT_DEFAULT_S,
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia verify --seed 7 --count 2000')
    .action(run);
};

const run = async (options: Options, command: Command): Promise<void> => {
  const given = { DATABASE_URL: options.databaseUrl };
  settingsOf(command, { databaseUrl: postgresSettings.databaseUrl }, given);
  const simulated = simulatedRun(options, dataDirOf(command));
  const report = await withDatabase(
    command,
    undefined,
    (database) => verify(database, simulated, options.wait * 1000),
    given,
  );
  if (options.json) printJson({ ...report, ...simulated, at: simulated.at / 1000 });
  else print(describe(report, simulated), report.ok ? 'good' : 'bad');
  if (!report.ok) process.exitCode = exitCodes.notAsExpected;
};

const simulatedRun = (options: SimulationOptions, folder: string): SimulationSettings => {
  const remembered = recallRun(folder, options.seed);
  if (remembered !== undefined) return settled(options, remembered);
  const { seed, count, at } = options;
  if (seed === undefined)
    throw new UsageError(
      `No simulation is remembered in ${folder}: run npx dakia simulate first, or give --seed, --count and ` +
        '--at as it printed them.',
    );
  if (count === undefined || at === undefined)
    throw new UsageError(
      `Seed ${seed} is not remembered in ${folder}: give --count and --at too, as npx dakia simulate printed them.`,
    );
  return { seed, count, stories: options.stories ?? allStories, at: at * 1000 } as SimulationSettings;
};

const describe = (report: VerifyReport, { seed }: SimulationSettings): string => {
  const compared = `${report.entities} entities and ${report.events} events of seed ${seed}`;
  if (report.ok) return `equal: ${compared} are in Postgres as they must be`;
  const lines = report.shown.map(
    ({ about, what, expected, found }) =>
      `  ${about}: ${what} must be ${JSON.stringify(expected)}, is ${JSON.stringify(found)}`,
  );
  const more =
    report.differences > report.shown.length ? [`  and ${report.differences - report.shown.length} more`] : [];
  return [`${report.differences} differences in ${compared}`, ...lines, ...more].join('\n');
};
