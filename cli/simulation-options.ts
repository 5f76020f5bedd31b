import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { instant } from '#rules';
import { COUNT_MAX, isStoryName, storyNames } from '#simulator';
import type { SimulationSettings, StoryName } from '#simulator';
import { wholeNumber } from './output.ts';

type Stories = readonly [StoryName, ...StoryName[]];

/** Options that decide which events there are: the same for sending and for verifying. */
export interface SimulationOptions {
  readonly seed?: string;
  readonly count?: number;
  readonly stories?: Stories;
  readonly at?: number;
}

const SEED = /^[\w.-]{1,64}$/;
/** 1 January 2001 and 1 January 2100: outside these a receiver takes a time for no time. */
const [AT_MIN_S, AT_MAX_S] = [978_307_200, 4_102_444_800];

export const withSimulationOptions = (
  command: Command,
  defaults: { readonly seed: string; readonly count: string; readonly stories: string; readonly at: string },
): Command =>
  command
    .option('--seed <text>', `what all randomness comes from (default: ${defaults.seed})`, readSeed)
    .option(
      '--count <n>',
      `how many different events; the last story breaks off where they are reached (default: ${defaults.count})`,
      wholeNumber(1, COUNT_MAX),
    )
    .option(
      '--stories <a,b>',
      `stories to tell in turn (default: ${defaults.stories}): ${storyNames.join(', ')}`,
      readStories,
    )
    .option(
      '--at <epoch seconds>',
      `the events happened in the 45 minutes before (default: ${defaults.at})`,
      wholeNumber(AT_MIN_S, AT_MAX_S),
    );

const readSeed = (text: string): string => {
  if (SEED.test(text)) return text;
  throw new InvalidArgumentError('Give 1 to 64 letters, digits, dots, dashes or underscores.');
};

const readStories = (text: string): Stories => {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !isStoryName(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no story ${unknown.join(', ')}.`);
  return names as unknown as Stories;
};

export const allStories = storyNames as Stories;

/** Fills what the options leave open from `run`. */
export const settled = (options: SimulationOptions, run: SimulationSettings): SimulationSettings => ({
  seed: options.seed ?? run.seed,
  count: options.count ?? run.count,
  stories: options.stories ?? run.stories,
  at: options.at === undefined ? run.at : instant(options.at * 1000),
});

/** The options that give the same events again. */
export const asOptions = ({ seed, count, stories, at }: SimulationSettings): string =>
  [
    `--seed ${seed}`,
    `--count ${count}`,
    ...(stories.length === storyNames.length ? [] : [`--stories ${stories.join(',')}`]),
    `--at ${at / 1000}`,
  ].join(' ');
