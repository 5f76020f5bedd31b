/**
 * Control characters except line feed and tab, what changes the direction of text (Unicode UAX #9), and what nobody
 * sees (format characters, fillers, variation selectors): an event's name could fake a row of a table, change what the
 * terminal shows, or look like another name.
 */
const UNSAFE =
  /(?![\n\t])\p{Cc}|\p{Cf}|[\u2028\u2029]|\u034f|\u2800|[\u180b-\u180f\ufe00-\ufe0f]|\u115f|\u1160|\u17b4|\u17b5|\u3164|\uffa0|[\u{e0100}-\u{e01ef}]/gu;
const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');

/** Text that shows nothing but itself; unsafe characters as \\uXXXX. In JSON text this is the same value. */
export const plain = (text: string): string => text.replaceAll(UNSAFE, escaped);

/** The same for a value in a line or a cell: it cannot begin a new one. */
export const plainCell = (text: string): string => plain(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');

/** Shows a line in place of the one before, in a terminal; `clearLine` takes it away. */
export const redrawLine = (stream: NodeJS.WriteStream, text: string): void => void stream.write(`\r${plainCell(text)}`);
export const clearLine = (stream: NodeJS.WriteStream): void => void stream.write('\r\u001b[K');
