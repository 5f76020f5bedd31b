import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { familyNames } from '#catalogue';
import { ROOT } from '#kit/root';

const HERE = 'libs/domain/families';
/** What stands in each family's folder, and what of the test kit a test must call there. */
const WANTED: Readonly<Record<string, string>> = {
  'index.ts': 'defineAggregate(',
  'fields.ts': 'Fields = {',
  'transitions.ts': 'TransitionTable<',
  'lifecycle.ts': 'Lifecycle<',
  'fields.test.ts': 'publishedBodies(',
  'transitions.test.ts': 'followsItsTable(',
  'laws.test.ts': 'obeysTheLaws(',
};

const read = (path: string): string => {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return '';
  }
};

const folders = readdirSync(join(ROOT, HERE), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('each family has its rules and their tests in a folder of its own', () => {
  const lacking = folders.flatMap((folder) =>
    Object.entries(WANTED)
      .filter(([file, call]) => !read(`${HERE}/${folder}/${file}`).includes(call))
      .map(([file, call]) => `${HERE}/${folder}/${file} is missing or has no ${call}…: copy it from another family`),
  );
  expect(lacking).toEqual([]);
  expect(folders).toHaveLength(familyNames.length);
});

test('each family is bound to the folder that defines it', () => {
  const defined = folders.map((folder) => /defineAggregate\('(\w+)'/.exec(read(`${HERE}/${folder}/index.ts`))?.[1]);
  expect(defined.toSorted()).toEqual([...familyNames].toSorted());
});

test('the picture of the way of an event shows the topic of each family', () => {
  const picture = read('docs/flow.svg');
  const lacking = familyNames.filter((family) => !new RegExp(`(rzp\\.|· )${family}\\b`).test(picture));
  expect(lacking.map((family) => `docs/flow.svg has no topic of ${family}`)).toEqual([]);
});
