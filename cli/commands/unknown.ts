import type { Command } from 'commander';
import { listUnknownValues } from '#operate';
import { OPERATOR_ROLE } from '#platform/postgres';
import { withDatabase } from '../connections.ts';
import { noneOf, print, printJson, printTable } from '../output.ts';
import { withPrinting } from '../pending-options.ts';
import type { ListOptions } from '../pending-options.ts';
import { timeOf } from '../times.ts';

export const addUnknown = (program: Command): void => {
  const group = program
    .command('unknown')
    .description('Statuses and other values of Razorpay that Dakia does not know. They are kept as they came.');
  withPrinting(
    group
      .command('list')
      .description(
        'Print them: in which column, how many entities show each, and the newest of these. A new one wants a look ' +
          'at the pages of Razorpay, and a line in the lists of the family (libs/domain/families). Reads whole tables.',
      ),
  )
    .addHelpText('after', '\nExample:\n  npx dakia unknown list')
    .action(list);
};

const list = async ({ limit, json }: ListOptions, command: Command): Promise<void> => {
  const values = await withDatabase(command, OPERATOR_ROLE, (database) => listUnknownValues(database, limit));
  if (json) return printJson({ ok: true, values });
  if (values.length === 0) return print(noneOf('unknown values', false));
  printTable([
    ['family', 'column', 'value', 'entities', 'newest', 'last event'],
    ...values.map(({ family, column, value, entities, newest, at }) => [
      ...[family, column, value, String(entities), newest],
      at === null ? '' : timeOf(at),
    ]),
  ]);
  if (values.length === limit) print(`the first ${limit}; --limit shows more`);
};
