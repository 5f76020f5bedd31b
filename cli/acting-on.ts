import type { Command } from 'commander';
import { allAggregates } from '#families';
import { retryPolicyOf, retryPolicySettings } from '#parking';
import type { ParkedOptions } from '#parking';
import type { Transaction } from '#platform/postgres';
import { OPERATOR_ROLE } from '#platform/postgres';
import { BULK_MAX, runBulk } from './bulk.ts';
import type { Bulk, Fated } from './bulk.ts';
import { withDatabase } from './connections.ts';
import { settingsOf } from './output.ts';
import { actionFilterOf } from './pending-options.ts';
import type { ActOptions, Filter } from './pending-options.ts';
import { searchKeyOf } from './search-key.ts';

/** What a command acts on: how it is listed and shown. */
export interface Listed<Item, Outcome> extends Omit<Bulk<Item, Outcome>, 'filter' | 'items' | 'act' | 'done' | 'left'> {
  readonly list: (database: Transaction, filter: Filter & { readonly limit: number }) => Promise<readonly Item[]>;
}

/** A command that does `act` to all that its filter finds in the list, by the rule of bulk commands. */
export const actingOn =
  <Item, Outcome extends Fated>(
    { list, ...listed }: Listed<Item, Outcome>,
    act: (retry: ParkedOptions, item: Item, action: ActOptions) => Promise<Outcome>,
    done: string,
  ) =>
  async (options: ActOptions, command: Command): Promise<void> => {
    const filter = actionFilterOf(options);
    const policy = retryOptions(command);
    await withDatabase(command, OPERATOR_ROLE, async (database) =>
      runBulk(command, options, {
        ...listed,
        filter,
        items: await list(database, { ...filter, limit: BULK_MAX }),
        act: (item) => act({ database, ...policy }, item, options),
        done,
      }),
    );
  };

/**
 * What the store needs besides a connection to apply what waits: the
 * rules of all families, and when a failure is tried again.
 */
export const retryOptions = (command: Command): Pick<ParkedOptions, 'aggregates' | 'policy' | 'searchKey'> => ({
  aggregates: allAggregates,
  searchKey: searchKeyOf(command),
  policy: retryPolicyOf(settingsOf(command, retryPolicySettings)),
});
