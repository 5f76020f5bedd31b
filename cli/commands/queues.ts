import type { Command } from 'commander';
import { serviceNames } from '#catalogue';
import { queueSettings, redisSettings, ruleFileSettings } from '#platform/config';
import { getQueueStats, notifyQueueOf, retryQueueOf } from '#platform/queue';
import type { QueueStats } from '#platform/queue';
import { loadRules } from '../../services/notifier/open-rules.ts';
import { printJson, printTable, settingsOf, UsageError } from '../output.ts';

export const addQueues = (program: Command): void => {
  program
    .command('queues')
    .description('Show how many jobs each queue holds, by state, and how long the oldest that should run has waited.')
    .option('--json', 'print one JSON object', false)
    .addHelpText(
      'after',
      '\nA retry queue wakes the parked entities of a service; a notify queue\n' +
        'sends what one destination is told.\n\nExample:\n  npx dakia queues',
    )
    .action(run);
};

const run = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const config = settingsOf(command, { ...redisSettings, ...queueSettings });
  const queues = await getQueueStats(config, [
    ...serviceNames.map(retryQueueOf),
    ...destinationsOf(command).map(notifyQueueOf),
  ]);
  if (json) printJson({ ok: true, queues });
  else printTable(describe(queues));
};

const destinationsOf = (command: Command): readonly string[] => {
  const rules = loadRules(settingsOf(command, ruleFileSettings));
  if (!rules.ok) throw new UsageError(rules.issues.join('\n'));
  return [...rules.value.rules.destinations.keys()];
};

const STATES = ['waiting', 'prioritized', 'active', 'delayed', 'paused', 'failed', 'completed'] as const;

const describe = (queues: readonly QueueStats[]): readonly (readonly (string | number)[])[] => [
  ['queue', ...STATES, 'oldest s'],
  ...queues.map((queue) => [
    queue.name,
    ...STATES.map((state) => queue[state]),
    queue.oldestMs === null ? '-' : Math.round(queue.oldestMs / 1000),
  ]),
];
