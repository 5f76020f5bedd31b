/**
 * Names that say nothing, payment words where none belong, entries at
 * the root that nobody decided: refused with the path.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** What the root may hold; a new entry is a decision, made here. */
const ROOT_ENTRIES = new Set([
  '.ci',
  '.dependency-cruiser.cjs',
  '.devcontainer',
  '.editorconfig',
  '.git-blame-ignore-revs',
  '.github',
  '.gitignore',
  '.npmrc',
  '.oxlintrc.json',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'biome.json',
  'README.md',
  'charts',
  'cli',
  'deploy',
  'docs',
  'jest.config.js',
  'knip.json',
  'libs',
  'local',
  'migrations',
  'package-lock.json',
  'package.json',
  'services',
  'simulator',
  'test',
  'tools',
  'tsconfig.json',
]);
const EMPTY_NAMES = /^(common|shared|utils?|helpers?|core|lib|misc|manager|impl)$/;
/** Words of the domain: what the platform may not know. */
const PAYMENT_WORDS = /\b(payment|refund|dispute|invoice|downtime)/i;
const PLATFORM = /^libs\/platform\/(?!config\/)/;

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '');

const problems = tracked.flatMap((path): string[] => {
  const parts = path.split('/');
  const found: string[] = [];
  if (!ROOT_ENTRIES.has(parts[0] ?? ''))
    found.push(`${path}: the root has no place for ${parts[0]}; see tools/check-names.ts`);
  const empty = parts.find((part) => EMPTY_NAMES.test(basename(part, extname(part))));
  if (empty !== undefined) found.push(`${path}: "${empty}" says nothing; name the thing`);
  if (PLATFORM.test(path) && path.endsWith('.ts') && !path.endsWith('.test.ts')) {
    const code = readFileSync(join(root, path), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const word = PAYMENT_WORDS.exec(code)?.[0];
    if (word !== undefined) found.push(`${path}: the platform may not know the word "${word}"`);
  }
  return found;
});

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  problems.length === 0 ? `names: ${tracked.length} files ok\n` : `names: ${problems.length} problems\n`,
);
process.exit(problems.length === 0 ? 0 : 1);
