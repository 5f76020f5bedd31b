import type { Command } from 'commander';
import { search, SEARCH_READ_MAX } from '#operate';
import type { Match, SearchResult } from '#operate';
import { OPERATOR_ROLE } from '#platform/postgres';
import { withDatabase } from '../connections.ts';
import { noneOf, print, printJson, printTable, UsageError, warn, wholeNumber } from '../output.ts';
import { searchKeyOf } from '../search-key.ts';
import { timeOf } from '../times.ts';

interface Options {
  readonly limit: number;
  readonly personal: boolean;
  readonly json: boolean;
}

/** Longest text that is looked for, and matches of one kind by default and at most. */
const [TEXT_LENGTH_MAX, LIMIT, LIMIT_MAX] = [256, 50, 1_000] as const;

export const addSearch = (program: Command): void => {
  program
    .command('search <text>')
    .description(
      "Find payments, orders, refunds and the rest by an id, an event's id, a receipt or reference of yours, a " +
        "bank's RRN, ARN or UTR, an e-mail address, a phone number or a UPI address. The whole value is " +
        'compared. npx dakia show tells more of what is found.',
    )
    .option('--limit <n>', 'matches of each kind at most', wholeNumber(1, LIMIT_MAX), LIMIT)
    .option('--personal', 'print personal data in full', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia search asha.rao@example.com')
    .action(run);
};

const run = async (text: string, { limit, personal, json }: Options, command: Command): Promise<void> => {
  if (text.trim() === '' || text.length > TEXT_LENGTH_MAX)
    throw new UsageError(`give a text of 1 to ${TEXT_LENGTH_MAX} characters`);
  const key = searchKeyOf(command);
  const result = await withDatabase(command, OPERATOR_ROLE, (database) =>
    search(database, { text, limit, personal, key }),
  );
  if (json) return printJson({ ok: true, ...result });
  describe(result, limit);
};

const describe = ({ matches, isCut, isSampled, unsearched }: SearchResult, limit: number): void => {
  if (matches.length === 0) print(noneOf('entities', 'this text'));
  else printTable([['what', 'id', 'status', 'created', 'found by', ''], ...matches.map(rowOf)]);
  if (isSampled)
    print(
      `\n${SEARCH_READ_MAX} or more share this text. These are of any ${SEARCH_READ_MAX} of them, not the newest of all.`,
    );
  else if (isCut) print(`\nMore match; these are the newest ${limit} of each kind. --limit shows more.`);
  if (unsearched.length > 0)
    warn(
      'E-mail addresses, phone numbers and UPI addresses were not searched: DAKIA_SEARCH_KEY is not set. Set it ' +
        'as the services have it.',
    );
};

const rowOf = ({ noun, key, status, createdAt, matched, value }: Match): readonly string[] => [
  noun,
  key,
  status,
  createdAt === null ? '' : timeOf(createdAt),
  matched,
  value ?? '',
];
