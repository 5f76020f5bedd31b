/** What generated pages are written with. */
export const NOTICE = '<!-- Generated from the code by `npm run generate`; edits are lost. -->';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
export const code = (text: string): string => `\`${text}\``;
