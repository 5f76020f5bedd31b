import { Option } from 'commander';
import type { Command } from 'commander';
import { familyNames } from '#catalogue';
import { listConflicts } from '#operate';
import { OPERATOR_ROLE } from '#platform/postgres';
import { withDatabase } from '../connections.ts';
import { noneOf, print, printJson, printTable } from '../output.ts';
import { filterOf, withAges, withPrinting } from '../pending-options.ts';
import type { ListOptions } from '../pending-options.ts';
import { timeOf } from '../times.ts';

interface ConflictOptions extends Omit<ListOptions, 'cause'> {
  readonly eventId?: string;
}

export const addConflicts = (program: Command): void => {
  const group = program
    .command('conflicts')
    .description(
      'Bodies that came under an event id which another body has. Each is applied under an id of its own; look ' +
        'who sends them: Razorpay does not.',
    );
  withPrinting(
    withAges(
      group
        .command('list')
        .description('Print them, with the id that each came under and the one that it is kept as.')
        .addOption(new Option('--family <name>', 'only of this family').choices(familyNames))
        .option('--key <id>', 'only of the entity with this id')
        .option('--event-id <id>', 'only those whose event id contains this text'),
    ),
  )
    .addHelpText('after', '\nExample:\n  npx dakia conflicts list --newer-than 1d')
    .action(list);
};

const list = async ({ eventId, ...options }: ConflictOptions, command: Command): Promise<void> => {
  const filter = filterOf({ ...options, ...(eventId !== undefined && { cause: eventId }) });
  const conflicts = await withDatabase(command, OPERATOR_ROLE, (database) =>
    listConflicts(database, { ...filter, limit: options.limit }),
  );
  if (options.json) return printJson({ ok: true, conflicts });
  if (conflicts.length === 0) return print(noneOf('conflicts', Object.keys(filter).length > 0));
  const rows = conflicts.map((conflict) => [
    conflict.eventId,
    conflict.event,
    conflict.key ?? '-',
    timeOf(conflict.receivedAt),
    conflict.keptAs ?? 'not applied: kept by an earlier release',
  ]);
  printTable([['event id', 'event', 'key', 'received', 'kept as'], ...rows]);
  if (conflicts.length === options.limit) print(`the first ${options.limit}; --limit shows more`);
};
