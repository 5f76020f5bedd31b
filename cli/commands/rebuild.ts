import { createHash } from 'node:crypto';
import { Option } from 'commander';
import type { Command } from 'commander';
import { familyNames } from '#catalogue';
import type { Family } from '#catalogue';
import { aggregateOf, columnSpec } from '#families';
import { rebuild } from '#operate';
import type { Rebuilt, RowChange } from '#operate';
import { BULK_MAX, printLeft, startLeft } from '../bulk.ts';
import type { Left } from '../bulk.ts';
import { currentUser, withMaintenance } from '../connections.ts';
import { exitCodes, print, printJson, printTable, wholeNumber } from '../output.ts';
import { DRY_RUN_RULE } from '../pending-options.ts';
import { compareWith, forgetPicture, isAllAsShown, printChanges, readPicture, rememberPicture } from '../picture.ts';
import type { Changes, ShownItem } from '../picture.ts';
import { progressBar } from '../progress.ts';
import { searchKeyOf } from '../search-key.ts';

interface Options {
  readonly family: Family;
  readonly reason: string;
  readonly who: string;
  readonly first: number;
  readonly personal: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const [FIRST_DEFAULT, FIRST_MAX] = [10, 1_000];

export const addRebuild = (program: Command): void => {
  program
    .command('rebuild')
    .description(
      'Bring the rows of a family to what all kept events say under the rules of this release: after an upgrade ' +
        `that reads more, or reads it otherwise. Consumers may run. Nobody is told of it. ${DRY_RUN_RULE} ` +
        'DATABASE_URL must be the owner of the tables.',
    )
    .addOption(new Option('--family <name>', 'whose rows').choices(familyNames).makeOptionMandatory())
    .requiredOption('--reason <text>', 'why; kept in audit_logs, for each row')
    .option('--first <n>', 'rows that are printed', wholeNumber(0, FIRST_MAX), FIRST_DEFAULT)
    .option('--who <name>', 'who decides, kept in audit_logs', currentUser())
    .option('--personal', 'print personal data, too', false)
    .option('--yes', 'do it', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia rebuild --family payments --reason "upgrade to 0.2"')
    .action(run);
};

/** What one pass met. */
interface Pass extends Rebuilt {
  /** Rows that differ, as they are known to the picture. */
  readonly items: readonly ShownItem[];
  readonly first: readonly RowChange[];
  /** Rows by the column that differs. */
  readonly columns: Readonly<Record<string, number>>;
  readonly isCut: boolean;
}

const run = async (options: Options, command: Command): Promise<void> => {
  const { family, yes, json } = options;
  const scope = { family };
  const picture = yes ? readPicture(command, scope) : undefined;
  const shown = picture && new Map(picture.items.map(({ id, as }) => [id, as]));
  const isMeant = (item: ShownItem): boolean => yes && (shown === undefined || shown.get(item.id) === item.as);
  const pass = await compareAll(command, options, isMeant);
  if (!yes) rememberPicture(command, scope, pass.items);
  const changes = compareWith(picture, pass.items, (item) => item).changes;
  const left = leftOf(pass);
  const ok = left.length === 0 && isAllAsShown(changes);
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  else if (yes) forgetPicture(command, scope);
  const { entities, written, first, columns, items, isCut } = pass;
  if (json)
    return printJson({
      ok,
      executed: yes,
      family,
      entities,
      differing: items.length,
      written,
      isCut,
      columns,
      first: first.map((change) => presentable(change, options)),
      left,
      ...(changes !== undefined && { changes }),
    });
  report(pass, options, changes);
  printLeft(left);
};

const compareAll = async (
  command: Command,
  { family, first: firstMax, reason, who, yes }: Options,
  isMeant: (item: ShownItem) => boolean,
): Promise<Pass> => {
  // A transaction that begins again asks again: each row counts once.
  const items = new Map<string, ShownItem>();
  const first = new Map<string, RowChange>();
  const columns: Record<string, number> = {};
  let isCut = false;
  let bar: ReturnType<typeof progressBar> | undefined;
  const done = await withMaintenance(command, (database) =>
    rebuild(database, aggregateOf(family), {
      family,
      by: { who, reason },
      searchKey: searchKeyOf(command),
      decide: (change) => {
        // A dry run keeps what it shows. What is done without one needs no such bound.
        if (!yes && items.size === BULK_MAX && !items.has(change.key)) {
          isCut = true;
          return 'stop';
        }
        const item = { id: change.key, as: digestOf(change) };
        if (!items.has(change.key))
          for (const { column } of change.columns) columns[column] = (columns[column] ?? 0) + 1;
        items.set(change.key, item);
        if (first.size < firstMax) first.set(change.key, change);
        return isMeant(item) ? 'write' : 'leave';
      },
      progress: (compared, entities) => (bar ??= progressBar('comparing', entities)).advance(compared),
    }),
  ).finally(() => bar?.end());
  return { ...done, items: [...items.values()], first: [...first.values()], columns, isCut };
};

/** What of a change was shown, short: the picture holds no values. */
const digestOf = (change: RowChange): string =>
  `${change.columns.length} columns, ${createHash('sha256').update(JSON.stringify(change)).digest('hex').slice(0, 16)}`;

const leftOf = ({ left }: Rebuilt): Left => {
  const counting = startLeft();
  for (const { reason } of left) counting.add(reason);
  return counting.list();
};

const HIDDEN = '(personal)';

const presentable = ({ key, isNew, columns }: RowChange, { family, personal }: Options): RowChange => ({
  key,
  isNew,
  columns: columns.map(({ column, before, after }) => {
    if (personal || columnSpec(family, column)?.personal !== true) return { column, before, after };
    return { column, before: before === null ? null : HIDDEN, after: after === null ? null : HIDDEN };
  }),
});

const report = (pass: Pass, options: Options, changes: Changes | undefined): void => {
  const { entities, items, written, first, columns, isCut } = pass;
  const { family, yes } = options;
  if (items.length === 0) {
    print(`all rows of ${family} are as the events say that are kept (${entities} entities)`, 'good');
    return printChanges(changes);
  }
  if (!yes) {
    printTable([
      ['column', 'rows'],
      ...Object.entries(columns)
        .sort(([, a], [, b]) => b - a)
        .map(([name, rows]): [string, number] => [name, rows]),
    ]);
    print(`\nThe first ${first.length} of ${items.length}:`);
    printTable([
      ['key', 'column', 'before', 'after'],
      ...first.flatMap((change) => linesOf(presentable(change, options))),
    ]);
    if (isCut) print(`\nThese are the first ${BULK_MAX} rows; after --yes, run the command again for the rest.`);
    return print(
      `\n${items.length} of ${entities} rows of ${family} would change. Nothing was changed; give --yes to do it.`,
    );
  }
  printChanges(changes);
  print(
    `${written} of ${items.length} rows of ${family} that differ were rebuilt`,
    written === items.length ? 'good' : 'bad',
  );
};

const linesOf = ({ key, isNew, columns }: RowChange): readonly (readonly string[])[] =>
  columns.map(({ column, before, after }, index) => [
    index === 0 ? `${key}${isNew ? ' (new)' : ''}` : '',
    column,
    textOf(before),
    textOf(after),
  ]);

const textOf = (value: RowChange['columns'][number]['before']): string =>
  value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
