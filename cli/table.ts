import { plainCell } from './terminal.ts';

/** What is not a terminal, such as a file or grep, is given lines as wide as one of the usual width. */
export const LINE_WIDTH = 80;
/** Between two columns; and before the columns that go on in further lines of a row. */
const [GAP, INDENT] = [2, 4];
/** A column of sentences is not made narrower than this: it takes a line of its own instead. */
const PROSE_WIDTH_MIN = 24;

export type Cell = string | number | bigint;

/**
 * Breaks a line at spaces. A word that is longer than the width stays
 * whole: what is copied from a terminal must be right.
 */
export const wrap = (line: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let current: string | undefined;
  for (const word of line.split(' ')) {
    if (current !== undefined && current.trim() !== '' && current.length + 1 + word.length > width) {
      lines.push(current.trimEnd());
      current = word;
    } else current = current === undefined ? word : `${current} ${word}`;
  }
  return [...lines, (current ?? '').trimEnd()];
};

interface Column {
  readonly index: number;
  readonly width: number;
}

const longestWord = (texts: readonly string[]): number =>
  Math.max(0, ...texts.flatMap((text) => text.split(' ').map((word) => word.length)));

/** Columns in the lines of a row: as few lines as go, the room that is left given to the columns from the left. */
const columnLines = (texts: readonly (readonly string[])[], width: number): readonly (readonly Column[])[] => {
  const columns = (texts[0] ?? []).map((_, index) => {
    const column = texts.map((row) => row[index] ?? '');
    const natural = Math.max(0, ...column.map((text) => text.length));
    return { index, natural, width: Math.min(natural, Math.max(longestWord(column), PROSE_WIDTH_MIN)) };
  });
  const sum = (widths: readonly number[]): number => widths.reduce((a, b) => a + b, 0) + GAP * (widths.length - 1);
  const lines: (typeof columns)[] = [];
  for (const column of columns) {
    const line = lines.at(-1);
    const room = width - (lines.length > 1 ? INDENT : 0);
    if (line !== undefined && sum([...line, column].map((one) => one.width)) <= room) line.push(column);
    else lines.push([column]);
  }
  return lines.map((line, number) => {
    let spare = width - (number > 0 ? INDENT : 0) - sum(line.map((column) => column.width));
    return line.map(({ index, natural, width: least }) => {
      const more = Math.max(0, Math.min(spare, natural - least));
      spare -= more;
      return { index, width: least + more };
    });
  });
};

/**
 * The lines of every row. Where columns do not fit, sentences are broken at spaces, and the columns that are left over
 * go on in further lines of the row, indented, as their headings do. Numbers stand to the right.
 */
export const layOut = (rows: readonly (readonly Cell[])[], width: number): readonly (readonly string[])[] => {
  const texts = rows.map((row) => row.map((value) => (typeof value === 'string' ? plainCell(value) : String(value))));
  const lines = columnLines(texts, width);
  return texts.map((row, rowNumber) =>
    lines.flatMap((columns, number) => {
      const cells = columns.map(({ index, width: room }) => wrap(row[index] ?? '', room));
      const height = Math.max(...cells.map((cell) => cell.length));
      return Array.from({ length: height }, (_, line) =>
        columns
          .reduce((before, { index, width: room }, position) => {
            const text = cells[position]?.[line] ?? '';
            const isText = typeof rows[rowNumber]?.[index] === 'string';
            const gap = ' '.repeat(position > 0 ? GAP : number > 0 ? INDENT : 0);
            return `${before}${gap}${isText ? text.padEnd(room) : text.padStart(room)}`;
          }, '')
          .trimEnd(),
      );
    }),
  );
};
