import { readFileSync, statSync } from 'node:fs';
import { createThrottle } from '#platform/time';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

/** A value that is asked for each time it is needed: the file that it comes from may have changed meanwhile. */
export type Current<Value> = () => Value;

/** While a file cannot be used, that is said at most once in this time, in ms. */
const TOLD_EVERY_MS = 60_000;

/** What files say, and what they said when they were last of use. */
export interface Reread<Value> {
  /** Of the last files that could be used. */
  readonly value: Current<Value>;
  /** Looks at the files, a `stat` each, and reads them when they have changed; undefined when they have not. */
  readonly look: () => Parsed<Value> | undefined;
}

/** Files whose content may change, for whoever looks by himself. `read` tells what it finds wrong, and shows none. */
export const createReread = <Value>(files: readonly string[], read: () => Parsed<Value>): Parsed<Reread<Value>> => {
  let seen = markOf(files);
  const first = read();
  if (!first.ok) return first;
  let { value } = first;
  return parsed({
    value: () => value,
    look: () => {
      const before = markOf(files);
      if (before === seen) return undefined;
      const again = read();
      // Changed while it was read: it may be half written, so it is read again the next time.
      if (markOf(files) !== before) return undefined;
      seen = before;
      if (again.ok) ({ value } = again);
      return again;
    },
  });
};

/**
 * A value out of files that are looked at whenever it is asked for. Files that are no longer of use leave the last good
 * value; `onUnusable` hears of it, in words that name the file, when the value is asked for, once in TOLD_EVERY_MS.
 */
export const rereading = <Value>(
  files: readonly string[],
  read: () => Parsed<Value>,
  onUnusable: (issue: string) => void,
): Parsed<Current<Value>> => {
  const reread = createReread(files, read);
  if (!reread.ok) return reread;
  const { look, value } = reread.value;
  const throttle = createThrottle(TOLD_EVERY_MS);
  let issues: readonly string[] = [];
  return parsed(() => {
    const again = look();
    if (again?.ok === true) {
      issues = [];
      throttle.reset();
    } else if (again !== undefined) ({ issues } = again);
    if (issues.length > 0 && throttle.admit() !== undefined) onUnusable(issues.join('; '));
    return value();
  });
};

/** The text of a file without the line's end; its issues begin with the setting that names it. */
export const textOfFile = (setting: string, file: string): Parsed<string> => {
  try {
    const text = readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
    return text === '' ? unparsed(`${setting}: ${file} is empty`) : parsed(text);
  } catch (error) {
    return unparsed(`${setting}: ${file} cannot be read (${systemCodeOf(error)})`);
  }
};

/** Differs when a file was changed, replaced, or a symbolic link on the way to it now leads elsewhere. */
const markOf = (files: readonly string[]): string =>
  files
    .map((file) => {
      try {
        const { dev, ino, mtimeMs, ctimeMs, size } = statSync(file);
        return [dev, ino, mtimeMs, ctimeMs, size].join(':');
      } catch (error) {
        return systemCodeOf(error);
      }
    })
    .join(' ');

const systemCodeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';
