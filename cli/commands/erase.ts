import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { erase } from '#operate';
import type { Erased, ShownTables } from '#operate';
import { currentUser, withMaintenance } from '../connections.ts';
import { exitCodes, print, printJson, printTable, UsageError } from '../output.ts';
import { DRY_RUN_RULE } from '../pending-options.ts';
import { compareWith, forgetPicture, printChanges, readPicture, rememberPicture } from '../picture.ts';
import type { ShownItem } from '../picture.ts';
import { timeOf } from '../times.ts';

interface EraseOptions {
  readonly entity?: string;
  readonly contact?: string;
  readonly reason: string;
  readonly who: string;
  readonly yes: boolean;
  readonly json: boolean;
}

export const addErase = (program: Command): void => {
  program
    .command('erase')
    .description(
      `Blank the personal data of an entity or a person: state, bodies, reasons, answers. ${DRY_RUN_RULE} ` +
        'DATABASE_URL must be the owner of the tables.',
    )
    .option('--entity <id>', 'of the entity with this id, for example pay_…', value)
    .option(
      '--contact <value>',
      'of whoever has this e-mail address, phone number or UPI address, as Razorpay writes it',
      value,
    )
    .requiredOption('--reason <text>', 'why; kept in audit_logs, so without the person', value)
    .option('--who <name>', 'who decides, kept in audit_logs', currentUser())
    .option('--yes', 'do it', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia erase --entity pay_FS8TWyPrCsa0OB --reason "request 17" --yes')
    .action(run);
};

/** Shorter texts stand in bodies by chance. */
const LENGTH_MIN = 5;
const value = (text: string): string => {
  if (text.trim().length >= LENGTH_MIN) return text.trim();
  throw new InvalidArgumentError(`Give at least ${LENGTH_MIN} characters.`);
};

const run = async ({ entity, contact, yes, json, who, reason }: EraseOptions, command: Command): Promise<void> => {
  if ((entity === undefined) === (contact === undefined))
    throw new UsageError('Give --entity or --contact, one of them.');
  const what =
    entity === undefined
      ? ({ kind: 'contact', value: contact ?? '' } as const)
      : ({ kind: 'entity', id: entity } as const);
  const picture = yes ? readPicture(command, what) : undefined;
  const shown = picture === undefined ? {} : { shown: tablesOf(picture.items) };
  const erased = await withMaintenance(command, (database) =>
    erase(database, what, { execute: yes, who, reason, ...shown }),
  );
  const now = Object.entries(erased.shown).map(([table, rows]): ShownItem => ({ id: table, as: rows }));
  if (!yes) rememberPicture(command, what, now);
  const { changes } = compareWith(picture, now, (item) => item);
  const ok = erased.executed === yes;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  else if (yes) forgetPicture(command, what);
  if (json) return printJson({ ok, ...erased, ...(changes !== undefined && { changes }) });
  printChanges(changes);
  if (ok) report(erased);
  else print('Nothing was erased: rows are among them that nobody has looked at.', 'bad');
};

const tablesOf = (items: readonly ShownItem[]): ShownTables => Object.fromEntries(items.map(({ id, as }) => [id, as]));

const report = ({ executed, rows, left, kafka }: Erased): void => {
  const tables = Object.entries(rows);
  if (tables.length === 0) print('nothing personal was found');
  else printTable([['table', executed ? 'rows blanked' : 'rows that would be blanked'], ...tables]);
  if (left > 0)
    print(
      `${left} events wait for a decision and keep their bodies: see npx dakia parked list, dead list, ` +
        'quarantine list; then erase again',
    );
  if (kafka !== null)
    print(
      `Kafka holds copies until ${timeOf(kafka.eventsUntil)}; of dead letters and the quarantine until ` +
        `${timeOf(kafka.forPeopleUntil)}`,
    );
  if (!executed && tables.length > 0) print('nothing was changed; --yes does it');
};
