import type { Command } from 'commander';

/**
 * Control characters except line feed and tab, and what changes the direction or hides text (Unicode UAX #9, zero width): an event's name
 * could fake a row of a table, or change what the terminal shows.
 */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text that shows nothing but itself; unsafe characters as \\uXXXX. In JSON text this is the same value. */
export const plain = (text: string): string => text.replaceAll(UNSAFE, escaped);

/** The same for a value in a line or a cell: it cannot begin a new one. */
export const plainCell = (text: string): string => plain(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');

/** A reader such as head that has seen enough closes the pipe: nothing is wrong, and the code stays what the command has found. */
export const endQuietlyOnClosedPipe = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
};

/** One table of how every command ends; a part of each help. */
const EXIT_CODES =
  '\nExit codes: 0 done or as expected; 1 not as expected, or a server does not\nanswer; 2 the command or a setting is wrong.';

/** Adds to every command what all of them say. */
export const withExitCodes = (command: Command): Command => {
  for (const child of command.commands) withExitCodes(child);
  return command.addHelpText('after', EXIT_CODES);
};
