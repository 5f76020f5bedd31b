import { createHash } from 'node:crypto';
import { eventNames, familyNames, isModelled, route } from '#catalogue';
import { same } from '#kit/same';
import { instant, toMergeRecord } from '#rules';
import { expectedEntities } from '../expected.ts';
import { randomOf, shuffled } from '../random.ts';
import { simulation } from '../simulation.ts';
import { storyNames } from './index.ts';
import type { StoryName } from './index.ts';
import { STORY_SECONDS_MAX } from './story.ts';

const AT = instant(1_790_000_000_000);
const told = (name: StoryName, seed: string) => simulation({ seed, count: 60, stories: [name], at: AT });
const all = (seed: string, count: number) =>
  simulation({ seed, count, stories: storyNames as [StoryName, ...StoryName[]], at: AT });

test('together the stories send every event that has a rule, and end entities of every family', () => {
  const { events, ends } = all('any', 200);
  const sent = new Set(events.map(({ event }) => event));
  const ended = new Set(ends.map(({ family }) => family));
  expect([
    ...eventNames
      .filter((event) => isModelled(event) && !sent.has(event))
      .map((event) => `no story of simulator/stories/index.ts sends ${event}: write one, or add the step to one`),
    ...familyNames
      .filter((family) => !ended.has(family))
      .map((family) => `no story of simulator/stories/index.ts says in which status one of ${family} ends`),
  ]).toEqual([]);
});

/** Short, because a difference between two simulations would fill pages. */
const digest = ({ events, ends }: ReturnType<typeof simulation>): string =>
  createHash('sha256')
    .update(JSON.stringify([events.map(({ eventId, at, body }) => [eventId, at, body.toString()]), ends]))
    .digest('hex');

test('the same settings give the same bytes; another seed or time gives others', () => {
  expect(digest(all('seed', 300))).toBe(digest(all('seed', 300)));
  expect(digest(simulation({ seed: 'seed', count: 300, stories: ['downtimes'], at: AT }))).not.toBe(
    digest(simulation({ seed: 'seed', count: 300, stories: ['downtimes'], at: instant(AT + 1_000) })),
  );
  const ids = (seed: string) => all(seed, 300).events.map(({ eventId }) => eventId);
  expect(new Set([...ids('seed'), ...ids('other')]).size).toBe(600);
});

test('a larger count keeps the events of a smaller one', () => {
  const bytes = (count: number) =>
    new Map(all('seed', count).events.map(({ eventId, body }) => [eventId, body.toString()]));
  const more = bytes(500);
  for (const [eventId, body] of bytes(120)) same(more.get(eventId), body);
});

test('there are exactly as many events as asked for, each with an id of its own', () => {
  for (const count of [1, 2, 73, 1_000]) {
    const { events } = all('count', count);
    expect(events).toHaveLength(count);
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(count);
  }
});

test('a story that the count breaks off states no end', () => {
  const { ends } = simulation({ seed: 'short', count: 2, stories: ['checkout-captured'], at: AT });
  expect(ends).toEqual([]);
});

describe.each(storyNames)('%s', (name) => {
  const { events, ends } = told(name, 'one');

  test('every body routes to its event and key', () => {
    for (const { event, family, key, body } of events) {
      same(route(JSON.parse(body.toString())), { kind: 'routed', event, family, key });
    }
  });

  test('events stand in the order of their times, all within the 45 minutes before', () => {
    const times = events.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(AT / 1000 - 2_700);
    expect(Math.max(...times)).toBeLessThanOrEqual(AT / 1000);
    expect(STORY_SECONDS_MAX).toBeLessThan(2_700);
  });

  test('ends as stated, in every column alike, whatever the order and however often', () => {
    expect(ends.length).toBeGreaterThan(0);
    const inOrder = byEntity(events);
    for (const { family, key, status } of ends)
      same({ family, key, status: inOrder.get(`${family}/${key}`)?.status }, { family, key, status });
    for (const order of ['a', 'b', 'c', 'd']) {
      const again = shuffled([...events, ...events.slice(0, 20)], randomOf(order));
      same(byEntity(again), inOrder);
    }
    same(byEntity([...events].reverse()), inOrder);
  });
});

const byEntity = (events: Parameters<typeof expectedEntities>[0]) =>
  new Map(
    expectedEntities(events).map(({ aggregate, key, state }) => [
      `${aggregate.family}/${key}`,
      { status: state.status, values: state.values, record: toMergeRecord(state) },
    ]),
  );
