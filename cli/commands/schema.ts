import type { Command } from 'commander';
import { ownTopics } from '#catalogue';
import { checkSchemas, registerSchemas } from '#envelope';
import { kafkaSettings, registrySettings } from '#platform/config';
import { exitCodes, print, printJson, printTable, settingsOf, UsageError } from '../output.ts';

export const addSchema = (program: Command): void => {
  const group = program
    .command('schema')
    .description(
      "Register and check the envelope's schema. Ingest and consumers run on with the bundled one when " +
        'the registry is down.',
    );
  group
    .command('register')
    .description('Register the schema for every topic, with compatibility FULL.')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia schema register')
    .action(register);
  group
    .command('check')
    .description('Compare the registry with what this release writes. Exits 1 when they differ.')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia schema check')
    .action(check);
};

interface Options {
  readonly json: boolean;
}

const registryOf = (command: Command): { readonly url: string; readonly names: readonly string[] } => {
  const { schemaRegistryUrl: url, topicPrefix } = settingsOf(command, {
    ...registrySettings,
    topicPrefix: kafkaSettings.topicPrefix,
  });
  if (url === undefined) throw new UsageError('SCHEMA_REGISTRY_URL: is not set; give http://host:8081/apis/ccompat/v7');
  return { url, names: ownTopics.map((topic) => `${topicPrefix}${topic}`) };
};

const register = async ({ json }: Options, command: Command): Promise<void> => {
  const { url, names } = registryOf(command);
  const id = await registerSchemas(url, names);
  if (json) printJson({ ok: true, id, subjects: names.length });
  else print(`the envelope has id ${id} under ${names.length} subjects`);
};

const check = async ({ json }: Options, command: Command): Promise<void> => {
  const { url, names } = registryOf(command);
  const subjects = await checkSchemas(url, names);
  const ok = subjects.every(({ problem }) => problem === null);
  if (json) printJson({ ok, subjects });
  else
    printTable([
      ['subject', 'state', 'compatibility', ''],
      ...subjects.map(({ subject, state, compatibility, problem }) => [
        subject,
        state,
        compatibility ?? '-',
        problem ?? '',
      ]),
    ]);
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};
