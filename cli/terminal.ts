/**
 * Control characters except line feed and tab, and what changes the direction or hides text (Unicode UAX #9, zero
 * width): an event's name could fake a row of a table, or change what the terminal shows.
 */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text that shows nothing but itself; unsafe characters as \\uXXXX. In JSON text this is the same value. */
export const plain = (text: string): string => text.replaceAll(UNSAFE, escaped);

/** The same for a value in a line or a cell: it cannot begin a new one. */
export const plainCell = (text: string): string => plain(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');

/**
 * A reader such as head that has seen enough closes the pipe: nothing
 * is wrong. What was begun is done, and the code is the verdict's.
 */
export const goOnWithClosedPipe = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
};

/** Shows a line in place of the one before, in a terminal; `clearLine` takes it away. */
export const redrawLine = (stream: NodeJS.WriteStream, text: string): void => void stream.write(`\r${plainCell(text)}`);
export const clearLine = (stream: NodeJS.WriteStream): void => void stream.write('\r\u001b[K');
