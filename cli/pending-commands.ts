import type { Command } from 'commander';
import { withOutput } from './export-lines.ts';
import type { ExportOptions } from './export-lines.ts';
import { withAction, withAges, withFilters, withList } from './pending-options.ts';
import type { ActOptions, FilterOptions, ListOptions } from './pending-options.ts';

/** What one command does, in its help and in code. The example is what follows `npx dakia`. */
export interface PendingCommand<Options> {
  readonly does: string;
  readonly example: string;
  readonly run: (options: Options, command: Command) => Promise<void>;
}

/** The commands that parked keys and dead letters have in common. */
export interface PendingCommands<ShowOptions> {
  readonly list: PendingCommand<ListOptions>;
  readonly show: PendingCommand<ShowOptions> & { readonly withOptions: (command: Command) => Command };
  readonly export: PendingCommand<FilterOptions & ExportOptions>;
  readonly retry: PendingCommand<ActOptions>;
  readonly discard: PendingCommand<ActOptions>;
}

/** What audit_logs has of a retry without --reason. To discard something takes one. */
const RETRIED = 'retried by hand';

/** Adds them in the order of their help: to look comes before to act. */
export const addPendingCommands = <ShowOptions>(group: Command, commands: PendingCommands<ShowOptions>): void => {
  const filtered = (command: Command): Command => withAges(withFilters(command));
  const add = <Options>(
    name: string,
    { does, example, run }: PendingCommand<Options>,
    withOptions: (command: Command) => Command,
  ): void => {
    withOptions(group.command(name).description(does))
      .addHelpText('after', `\nExample:\n  npx dakia ${example}`)
      .action(run);
  };
  add('list', commands.list, withList);
  add('show', commands.show, (command) =>
    commands.show.withOptions(command).option('--json', 'print one JSON object', false),
  );
  add('export', commands.export, (command) => withOutput(filtered(command)));
  add('retry', commands.retry, (command) => withAction(filtered(command), RETRIED));
  add('discard', commands.discard, (command) => withAction(filtered(command), null));
};
