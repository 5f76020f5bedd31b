import type { Command } from 'commander';
import { fillDigests } from '#operate';
import { withMaintenance } from '../connections.ts';
import { print, printJson, UsageError } from '../output.ts';
import { searchKeyOf } from '../search-key.ts';

export const addDigests = (program: Command): void => {
  program
    .command('digests')
    .description('Keyed digests, by which npx dakia search finds e-mail addresses, phone numbers and UPI addresses.')
    .command('apply')
    .description(
      'Make them for all rows, also for those from before DAKIA_SEARCH_KEY was set. In chunks, beside the ' +
        'traffic; run it again when it was cut off. DATABASE_URL must be the owner of the tables.',
    )
    .option('--renew', 'the key is another than before: delete what the former one has made, first', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia digests apply')
    .action(apply);
};

const apply = async (
  { renew, json }: { readonly renew: boolean; readonly json: boolean },
  command: Command,
): Promise<void> => {
  const key = searchKeyOf(command);
  if (key === undefined)
    throw new UsageError('DAKIA_SEARCH_KEY is not set; digests are made with the key that the services have');
  const filled = await withMaintenance(command, (database) => fillDigests(database, key, { renew }));
  if (json) return printJson({ ok: true, ...filled });
  if (renew) print(`deleted ${filled.deleted} digests of the former key`);
  for (const [table, rows] of Object.entries(filled.rows)) print(`${table}: ${rows} rows are found by their values`);
};
