/**
 * Writes what is derived from the code: `docs/events.md`, `docs/states.md`, `docs/columns.md`,
 * `docs/metrics.md`, the codes of `docs/failures.md` and the settings table of the README.
 * With `--check` it writes nothing and fails when one of them is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents } from './documents.ts';
import { wrapMarkdown } from './widths.ts';

const root = join(import.meta.dirname, '..');
const checking = process.argv.includes('--check');

const read = (path: string): string => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
};

let stale = 0;
for (const { path, render } of documents) {
  const before = read(path);
  const after = path.endsWith('.md') ? wrapMarkdown(render(before)) : render(before);
  if (before === after) continue;
  stale += 1;
  if (checking) process.stderr.write(`${path} is not up to date; run npm run generate and commit it\n`);
  else writeFileSync(join(root, path), after);
}
process.stdout.write(`generated: ${documents.length} documents, ${stale} ${checking ? 'not up to date' : 'written'}\n`);
process.exit(checking && stale > 0 ? 1 : 0);
