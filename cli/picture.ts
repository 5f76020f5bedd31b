import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { postgresSettings, variablesOf } from '#platform/config';
import { isRecord } from '#rules';
import { dataDirOf, environmentOf, messageOf, print, printLine, readIfThere, warn } from './output.ts';
import { timeOf } from './times.ts';

/** One entry as it was shown: by what it is known, and what of it must still hold when it is acted upon, in words. */
export interface ShownItem {
  readonly id: string;
  readonly as: string;
}

/** What a dry run has shown, and when. */
export interface Picture {
  readonly at: Date;
  readonly items: readonly ShownItem[];
}

/** How what there is now differs from what was shown. */
export interface Changes {
  readonly shownAt: Date;
  /** Left alone: they look different now. */
  readonly changed: readonly { readonly id: string; readonly was: string; readonly is: string }[];
  /** Left alone: nobody has looked at them. */
  readonly added: readonly string[];
  /** Nothing to do: somebody else has dealt with them. */
  readonly gone: readonly string[];
}

/** A picture holds for a day, in ms: who has looked longer ago has not looked. */
const HOLDS_MS = 86_400_000;
/** It names entities and events: for its owner alone. */
const [PRIVATE_FOLDER, PRIVATE] = [0o700, 0o600];
/** Changes of one kind that are named; `--json` has all. */
const NAMED_MAX = 10;

/** By what the settings name it: a URL, or the file that it stands in. */
const databaseOf = (command: Command): string => {
  const environment = environmentOf(command);
  return variablesOf(postgresSettings.databaseUrl)
    .map((name) => environment[name] ?? '')
    .join('');
};

/** Pictures of one command, with one filter, over one database. */
const fileOf = (command: Command, scope: object): string => {
  const words = [command.parent?.name() ?? '', command.name(), databaseOf(command), scope];
  return join(
    dataDirOf(command),
    'shown',
    `${createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 32)}.json`,
  );
};

/**
 * Keeps what a dry run shows, in the state folder, so that --yes acts
 * on this and nothing else. Warns where it cannot be kept.
 */
export const rememberPicture = (command: Command, scope: object, items: readonly ShownItem[]): void => {
  const file = fileOf(command, scope);
  try {
    mkdirSync(join(file, '..'), { recursive: true, mode: PRIVATE_FOLDER });
    // Whole or not at all: another command may read it at this moment.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify({ at: new Date(), items }), { mode: PRIVATE });
    renameSync(`${file}.${process.pid}`, file);
  } catch (error) {
    warn(
      `What is shown cannot be kept (${messageOf(error)}): --yes will act on what it finds then. Give a folder ` +
        'that can be written with --data-dir.',
    );
  }
};

/** What the last dry run with this command and filter has shown; undefined without one within a day. */
export const readPicture = (command: Command, scope: object): Picture | undefined => {
  const text = readIfThere(fileOf(command, scope));
  if (text === undefined) return undefined;
  const kept: unknown = JSON.parse(text);
  if (!isRecord(kept) || typeof kept['at'] !== 'string' || !Array.isArray(kept['items'])) return undefined;
  const at = new Date(kept['at']);
  return Date.now() - at.getTime() > HOLDS_MS ? undefined : { at, items: kept['items'] as readonly ShownItem[] };
};

/**
 * For when all that was shown is done, and nothing else was found. Until then the picture
 * holds: --yes once more must not act on what the first one has left alone.
 */
export const forgetPicture = (command: Command, scope: object): void => rmSync(fileOf(command, scope), { force: true });

/** Whether nothing was left alone; without a picture nothing is. */
export const isAllAsShown = (changes: Changes | undefined): boolean =>
  (changes?.changed.length ?? 0) + (changes?.added.length ?? 0) === 0;

/** `same`: which of `now` are as they were shown; all of them without a picture. */
export const compareWith = <Item>(
  picture: Picture | undefined,
  now: readonly Item[],
  shownOf: (item: Item) => ShownItem,
): { readonly same: readonly Item[]; readonly changes: Changes | undefined } => {
  if (picture === undefined) return { same: now, changes: undefined };
  const shown = new Map(picture.items.map(({ id, as }) => [id, as]));
  const same: Item[] = [];
  const changed: { id: string; was: string; is: string }[] = [];
  const added: string[] = [];
  for (const item of now) {
    const { id, as } = shownOf(item);
    const was = shown.get(id);
    shown.delete(id);
    if (was === undefined) added.push(id);
    else if (was === as) same.push(item);
    else changed.push({ id, was, is: as });
  }
  return { same, changes: { shownAt: picture.at, changed, added, gone: [...shown.keys()] } };
};

const namesOf = (ids: readonly string[]): string =>
  `${ids.slice(0, NAMED_MAX).join(', ')}${ids.length > NAMED_MAX ? ', …' : ''}`;

/** Nothing when all is as it was shown. */
export const printChanges = (changes: Changes | undefined): void => {
  if (changes === undefined) return;
  const { shownAt, changed, added, gone } = changes;
  if (changed.length + added.length + gone.length === 0) return;
  print(`Since this was shown at ${timeOf(shownAt)}:`);
  for (const { id, was, is } of changed.slice(0, NAMED_MAX)) printLine(`  ${id}: was ${was}, is ${is}`);
  if (changed.length > 0) print(`  ${changed.length} changed and left alone`);
  if (added.length > 0) printLine(`  ${added.length} new and left alone: ${namesOf(added)}`);
  if (gone.length > 0) printLine(`  ${gone.length} done meanwhile: ${namesOf(gone)}`);
  if (changed.length + added.length > 0) print('Run it without --yes to see what there is now.');
};
