import { Command } from 'commander';
import { addDead } from './commands/dead.ts';
import { addDoctor } from './commands/doctor.ts';
import { addLedger } from './commands/ledger.ts';
import { addMigrate } from './commands/migrate.ts';
import { addNotifications } from './commands/notifications.ts';
import { addNotify } from './commands/notify.ts';
import { addParked } from './commands/parked.ts';
import { addPartitions } from './commands/partitions.ts';
import { addQuarantine } from './commands/quarantine.ts';
import { addQueues } from './commands/queues.ts';
import { addSchema } from './commands/schema.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStatus } from './commands/status.ts';
import { addTopics } from './commands/topics.ts';
import { addVerify } from './commands/verify.ts';
import { DEFAULT_DATA_DIR, versionOf } from './frame.ts';
import { withExitCodes } from './terminal.ts';

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
    .exitOverride();
  for (const add of COMMANDS) add(program);
  return withExitCodes(program);
};

/** In the order of the help: what a newcomer tries first comes first. */
const COMMANDS = [
  addSimulate,
  addVerify,
  addStatus,
  addParked,
  addDead,
  addQuarantine,
  addQueues,
  addNotify,
  addNotifications,
  addLedger,
  addTopics,
  addSchema,
  addMigrate,
  addPartitions,
  addDoctor,
];
