import type { Command } from 'commander';
import { columnSpec } from '#families';
import { entityStory } from '#operate';
import type { EntityRow, EntityStory, StoryEntry } from '#operate';
import { OPERATOR_ROLE } from '#platform/postgres';
import { withDatabase } from '../connections.ts';
import { exitCodes, print, printJson, printLine, printList, printTable, warn } from '../output.ts';
import { timeOf } from '../times.ts';

interface Options {
  readonly personal: boolean;
  readonly json: boolean;
}

export const addShow = (program: Command): void => {
  program
    .command('show <id>')
    .description(
      'All that is known of an id: of a payment, order, refund, dispute, link, invoice, account, downtime, ' +
        'validation or event. What it is, what it belongs to, and what happened: events received, who decided ' +
        'what, who was told and what they answered.',
    )
    .option('--personal', 'print personal data, too', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia show pay_1Aa00000000001')
    .action(show);
};

const show = async (id: string, { personal, json }: Options, command: Command): Promise<void> => {
  const found = await withDatabase(command, OPERATOR_ROLE, (database) => entityStory(database, id));
  if (found === undefined) {
    process.exitCode = exitCodes.notAsExpected;
    const error = `Nothing is known of ${id}: no entity has this id, and no event that is kept.`;
    warn(error);
    return json ? printJson({ ok: false, error }) : undefined;
  }
  const entity = found.entity === null ? null : { ...found.entity, columns: columnsOf(found.entity, personal) };
  if (json) return printJson({ ok: true, ...found, entity });
  describe({ ...found, entity });
};

/** Without personal data where it is not asked for. */
const columnsOf = ({ family, columns }: EntityRow, personal: boolean): EntityRow['columns'] =>
  Object.fromEntries(
    Object.entries(columns).filter(([name]) => personal || columnSpec(family, name)?.personal === false),
  );

const describe = ({ asked, entity, related, story, isCut }: EntityStory): void => {
  if (asked.kind === 'event') printLine(`${asked.id} is the id of an event.`);
  if (entity === null) print('No event of it was applied so far.');
  else {
    printLine(`${entity.noun} ${entity.key}: ${entity.status}`);
    printList(Object.entries(entity.columns).map(([name, value]) => [name, textOf(value)]));
  }
  if (related.length > 0) {
    print('\nbelongs together with:');
    printTable([['what', 'id', 'status'], ...related.map(({ noun, key, status }) => [noun, key, status ?? ''])]);
  }
  if (story.length === 0) return;
  print('\nwhat happened, the oldest first:');
  printTable([['at', 'what', 'outcome', 'about', 'who', 'event id', 'secret', 'reason'], ...story.map(rowOf)]);
  if (isCut) print('\nMore happened before; these are the newest entries.');
};

const rowOf = ({
  at,
  what,
  outcome,
  from,
  to,
  entity,
  who,
  eventId,
  secret = null,
  reason,
}: StoryEntry): readonly string[] => [
  timeOf(at),
  what,
  [outcome ?? '', from === to || to === null ? '' : `${from ?? 'new'} to ${to}`]
    .filter((text) => text !== '')
    .join(', '),
  entity,
  who ?? '',
  eventId ?? '',
  secret === null ? '' : String(secret),
  reason ?? '',
];

const textOf = (value: unknown): string => {
  if (value instanceof Date) return timeOf(value);
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'string' ? value : JSON.stringify(value);
};
