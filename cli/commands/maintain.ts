import type { Command } from 'commander';
import { maintain, retentionSettings } from '#operate';
import type { Maintained } from '#operate';
import { now } from '#platform/time';
import { withMaintenance } from '../connections.ts';
import { print, printJson, settingsOf } from '../output.ts';

export const addMaintain = (program: Command): void => {
  program
    .command('maintain')
    .description(
      'Make the partitions of the coming days, and delete what the DAKIA_KEEP_ settings give an end. Run it ' +
        'daily; npm start does. DATABASE_URL must be the owner of the tables.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia maintain')
    .action(run);
};

const run = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const keep = settingsOf(command, retentionSettings);
  const maintained = await withMaintenance(command, (database) => maintain(database, now(), keep));
  if (json) printJson({ ok: true, ...maintained });
  else print(inWords(maintained));
};

/** What was done, a line each. */
const inWords = ({ made, indexed, deleted, blanked }: Maintained): string => {
  const lines = [
    ...made.map(
      ({ name, moved }) => `made ${name}${moved === 0 ? '' : `, with ${moved} rows from the default partition`}`,
    ),
    ...indexed.map((name) => `built the index ${name}`),
    ...Object.entries(deleted).map(([table, rows]) => `deleted ${rows} rows of ${table}`),
    ...Object.entries(blanked).map(([table, rows]) => `blanked the texts of ${rows} rows of ${table}`),
  ];
  return lines.length === 0 ? 'nothing was to be done' : lines.join('\n');
};
