import { Command } from 'commander';
import { DEFAULT_DATA_DIR, endings, versionOf } from './output.ts';
import { LINE_WIDTH, wrap } from './table.ts';
import { plain } from './terminal.ts';
import { useTimeZone } from './times.ts';

/**
 * The program with the command that `args` name, which alone is loaded; with all of them where they name none, as for
 * `--help` or a word that is misspelt. Errors of use are thrown, after they were printed.
 */
export const createProgram = async (args: readonly string[] = []): Promise<Command> => {
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
  const [named = ''] = program.parseOptions([...args]).operands;
  const loads = Object.entries(COMMANDS);
  const wanted = loads.filter(([name]) => name === named);
  const adds = await Promise.all((wanted.length > 0 ? wanted : loads).map(([, load]) => load()));
  for (const add of adds) add(program);
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

/** Each in its file; in the order of the help: what a newcomer tries first comes first. */
const COMMANDS = {
  simulate: async () => (await import('./commands/simulate.ts')).addSimulate,
  send: async () => (await import('./commands/send.ts')).addSend,
  trigger: async () => (await import('./commands/trigger.ts')).addTrigger,
  show: async () => (await import('./commands/show.ts')).addShow,
  search: async () => (await import('./commands/search.ts')).addSearch,
  verify: async () => (await import('./commands/verify.ts')).addVerify,
  conformance: async () => (await import('./commands/conformance.ts')).addConformance,
  status: async () => (await import('./commands/status.ts')).addStatus,
  parked: async () => (await import('./commands/parked.ts')).addParked,
  dead: async () => (await import('./commands/dead.ts')).addDead,
  quarantine: async () => (await import('./commands/quarantine.ts')).addQuarantine,
  conflicts: async () => (await import('./commands/conflicts.ts')).addConflicts,
  unknown: async () => (await import('./commands/unknown.ts')).addUnknown,
  queues: async () => (await import('./commands/queues.ts')).addQueues,
  notify: async () => (await import('./commands/notify.ts')).addNotify,
  notifications: async () => (await import('./commands/notifications.ts')).addNotifications,
  ledger: async () => (await import('./commands/ledger.ts')).addLedger,
  topics: async () => (await import('./commands/topics.ts')).addTopics,
  schema: async () => (await import('./commands/schema.ts')).addSchema,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrate,
  rebuild: async () => (await import('./commands/rebuild.ts')).addRebuild,
  maintain: async () => (await import('./commands/maintain.ts')).addMaintain,
  erase: async () => (await import('./commands/erase.ts')).addErase,
  digests: async () => (await import('./commands/digests.ts')).addDigests,
  partitions: async () => (await import('./commands/partitions.ts')).addPartitions,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
} satisfies Readonly<Record<string, () => Promise<(program: Command) => void>>>;
