/** The second half of `npm run format`: the code's formatter leaves Markdown alone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOfTheRule, wrapMarkdown } from './widths.ts';

const root = join(import.meta.dirname, '..');
for (const path of filesOfTheRule().filter((name) => name.endsWith('.md'))) {
  const before = readFileSync(join(root, path), 'utf8');
  const after = wrapMarkdown(before);
  if (after !== before) writeFileSync(join(root, path), after);
}
