import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { figuresOf, valueOf, verdictOf } from './report.ts';
import type { BenchResult } from './report.ts';

/** One line of docs/performance.jsonl. */
export interface SavedRun extends BenchResult {
  /** Day of the run, `2026-11-28`. */
  readonly date: string;
  readonly commit: string;
}

const ROOT = join(import.meta.dirname, '..', '..');
export const RUNS_FILE = 'docs/performance.jsonl';
/** Older ones stay in the file. */
const RUNS_SHOWN = 3;

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-C', ROOT, ...args])
    .toString()
    .trim();

/**
 * The commit that is measured. Throws when files differ from it: a figure must belong to code that can be found again.
 */
export const cleanCommit = (): string => {
  const changed = git('status', '--porcelain', '--untracked-files=no');
  if (changed !== '') throw new Error(`--save needs a clean checkout; changed files:\n${changed}`);
  return git('rev-parse', '--short', 'HEAD');
};

export const savedRuns = (): readonly SavedRun[] => {
  const path = join(ROOT, RUNS_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as SavedRun);
};

/** Adds the run and renews docs/performance.md. */
export const save = (commit: string, result: BenchResult): void => {
  const run: SavedRun = { date: new Date().toISOString().slice(0, 10), commit, ...result };
  appendFileSync(join(ROOT, RUNS_FILE), `${JSON.stringify(run)}\n`);
  execFileSync(process.execPath, [join(ROOT, 'tools', 'generate.ts')], { stdio: 'inherit' });
};

/** The newest runs as tables, the newest first. */
export const runsPage = (runs: readonly SavedRun[]): string =>
  runs.slice(-RUNS_SHOWN).toReversed().map(runSection).join('\n\n');

const runSection = (run: SavedRun): string => {
  const { cores, cpu, node } = run.machine;
  const against = run.against === undefined ? '' : `, beside ${run.against}`;
  const rows = figuresOf(run).map((figure) =>
    [figure.name, valueOf(figure), verdictOf(figure), figure.spread?.toFixed(2) ?? '', figure.note]
      .map((text) => text.replaceAll('|', '\\|'))
      .join(' | '),
  );
  return [
    `### ${run.date}, ${run.commit}${against}`,
    `${cores} cores, ${cpu}, Node ${node}.`,
    [
      '| figure | value | goal | spread | beside it |',
      '|---|---|---|---|---|',
      ...rows.map((row) => `| ${row} |`),
    ].join('\n'),
  ].join('\n\n');
};
