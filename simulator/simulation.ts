import type { Instant } from '#rules';
import { randomOf } from './random.ts';
import type { SimulatedEvent } from './simulated-event.ts';
import { stories } from './stories/index.ts';
import type { StoryName } from './stories/index.ts';
import { STORY_SECONDS_MAX } from './stories/story.ts';
import type { End, Telling } from './stories/story.ts';

/** All that decides which events there are. Equal settings give equal bytes. */
export interface SimulationSettings {
  readonly seed: string;
  /** How many different events, exactly; further deliveries of them are made later (plan.ts). */
  readonly count: number;
  /** Told in turn, over and over. */
  readonly stories: readonly [StoryName, ...StoryName[]];
  /** Everything happened in the 45 minutes before. */
  readonly at: Instant;
}

export interface Simulation {
  /** In the order in which they happened. */
  readonly events: readonly SimulatedEvent[];
  /** The stated end of every entity whose story is told to its end; `count` can break off the last story. */
  readonly ends: readonly End[];
}

/** Most events of one simulation: all bodies are in memory, about 2 kB each. */
export const COUNT_MAX = 200_000;
/** Earliest beginning of a story before `at`, in seconds. */
const EARLIEST_START_S = 2_700;

export const simulation = (settings: SimulationSettings): Simulation => {
  const events: SimulatedEvent[] = [];
  const ends: End[] = [];
  for (let index = 0; events.length < settings.count; index++) {
    const told = tell(settings, index);
    const room = settings.count - events.length;
    events.push(...told.events.slice(0, room));
    if (told.events.length <= room) ends.push(...told.ends);
  }
  // A stable sort: what happened in the same second stays in the order of its story.
  return { events: events.sort((a, b) => a.at - b.at), ends };
};

/** The story with this number. It depends on nothing but seed, story, number and `at`. */
const tell = ({ seed, stories: names, at }: SimulationSettings, index: number): Telling => {
  const name = names[index % names.length] ?? names[0];
  const random = randomOf(`${seed}/${name}/${index}`);
  const start = Math.floor(at / 1000) - random.whole(STORY_SECONDS_MAX, EARLIEST_START_S);
  return stories[name].tell({ random, start, accountId: randomOf(`${seed}/merchant`).id('acc_') });
};
