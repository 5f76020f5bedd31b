import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instant, isRecord } from '#rules';
import type { SimulationSettings } from './simulation.ts';
import { isStoryName } from './stories/index.ts';
import type { StoryName } from './stories/index.ts';

/**
 * What was simulated, newest last, one entry per seed: so that `verify` needs no options, and so that a seed used again
 * sends the same bytes again. The events of a seed depend on `at`, which cannot be told from the seed.
 */
const FILE = 'simulations.json';
/** Runs that are remembered; older ones are forgotten. */
const RUNS_MAX = 100;

/** The run with this seed, or the last one; undefined when none is remembered. */
export const recallRun = (folder: string, seed?: string): SimulationSettings | undefined =>
  readRuns(folder).findLast((run) => seed === undefined || run.seed === seed);

/** Throws when the folder cannot be written. */
export const rememberRun = (folder: string, run: SimulationSettings): void => {
  mkdirSync(folder, { recursive: true });
  const runs = [...readRuns(folder).filter(({ seed }) => seed !== run.seed), run].slice(-RUNS_MAX);
  const file = join(folder, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(runs, null, 2)}\n`);
  renameSync(`${file}.new`, file);
};

/** A file that is not there or not ours remembers nothing. */
const readRuns = (folder: string): readonly SimulationSettings[] => {
  try {
    const runs: unknown = JSON.parse(readFileSync(join(folder, FILE), 'utf8'));
    return Array.isArray(runs) ? runs.flatMap(asRun) : [];
  } catch {
    return [];
  }
};

const asRun = (run: unknown): SimulationSettings[] => {
  if (!isRecord(run)) return [];
  const { seed, count, stories, at } = run;
  if (typeof seed !== 'string' || typeof count !== 'number' || typeof at !== 'number' || !isStories(stories)) return [];
  return [{ seed, count, stories, at: instant(at) }];
};

const isStories = (names: unknown): names is readonly [StoryName, ...StoryName[]] =>
  Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string' && isStoryName(name));
