import type { Command } from 'commander';
import { postgresSettings } from '#platform/config';
import { migrate } from '#platform/postgres';
import { askingPostgres } from '../connections.ts';
import { print, printJson, settingsOf } from '../output.ts';

export const addMigrate = (program: Command): void => {
  program
    .command('migrate')
    .description('Bring the tables to the newest version. DATABASE_URL must be the owner of the tables.')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia migrate')
    .action(run);
};

const run = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const { databaseUrl } = settingsOf(command, { databaseUrl: postgresSettings.databaseUrl });
  const applied = await askingPostgres(() => migrate(databaseUrl(), (line) => (json ? undefined : print(line))));
  if (json) printJson({ ok: true, applied });
};
