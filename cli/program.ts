import { Command } from 'commander';
import { addConflicts } from './commands/conflicts.ts';
import { addConformance } from './commands/conformance.ts';
import { addDead } from './commands/dead.ts';
import { addDigests } from './commands/digests.ts';
import { addDoctor } from './commands/doctor.ts';
import { addErase } from './commands/erase.ts';
import { addLedger } from './commands/ledger.ts';
import { addMaintain } from './commands/maintain.ts';
import { addMigrate } from './commands/migrate.ts';
import { addNotifications } from './commands/notifications.ts';
import { addNotify } from './commands/notify.ts';
import { addParked } from './commands/parked.ts';
import { addPartitions } from './commands/partitions.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addQueues } from './commands/queues.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addSchema } from './commands/schema.ts';
import { addSearch } from './commands/search.ts';
import { addSend } from './commands/send.ts';
import { addShow } from './commands/show.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStatus } from './commands/status.ts';
import { addTopics } from './commands/topics.ts';
import { addTrigger } from './commands/trigger.ts';
import { addUnknown } from './commands/unknown.ts';
import { addVerify } from './commands/verify.ts';
import { DEFAULT_DATA_DIR, endings, versionOf } from './output.ts';
import { LINE_WIDTH, wrap } from './table.ts';
import { plain } from './terminal.ts';
import { useTimeZone } from './times.ts';

/** Every command, each in its file. Errors of use are thrown, after they were printed. */
export const createProgram = (): Command => {
  const program = new Command('dakia')
    .description('Operate Dakia: Razorpay webhooks in, correct state in Postgres.')
    .version(versionOf())
    .option(
      '--data-dir <folder>',
      'state folder of npm start, for settings that the environment does not give',
      DEFAULT_DATA_DIR,
    )
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({
      writeOut: (text) => void process.stdout.write(plain(text)),
      writeErr: (text) => void process.stderr.write(plain(text)),
    })
    .hook('preAction', (_program, command) => useTimeZone(command))
    .exitOverride();
  for (const add of COMMANDS) add(program);
  return withExitCodes(program);
};

const EXIT_CODES = wrap(
  `Exit codes: ${endings.map(([code, means]) => `${code} ${means}`).join('; ')}.`,
  LINE_WIDTH,
).join('\n');

/** Adds to every command what all of them say. */
const withExitCodes = (command: Command): Command => {
  for (const child of command.commands) withExitCodes(child);
  return command.addHelpText('after', `\n${EXIT_CODES}`);
};

/** In the order of the help: what a newcomer tries first comes first. */
const COMMANDS = [
  addSimulate,
  addSend,
  addTrigger,
  addShow,
  addSearch,
  addVerify,
  addConformance,
  addStatus,
  addParked,
  addDead,
  addQuarantine,
  addConflicts,
  addUnknown,
  addQueues,
  addNotify,
  addNotifications,
  addLedger,
  addTopics,
  addSchema,
  addMigrate,
  addRebuild,
  addMaintain,
  addErase,
  addDigests,
  addPartitions,
  addDoctor,
];
