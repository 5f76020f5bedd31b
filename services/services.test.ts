import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#kit/root';
import { allServices } from './services.ts';

const mainOf = (name: string): string => {
  try {
    return readFileSync(join(ROOT, 'services', name, 'main.ts'), 'utf8');
  } catch {
    return '';
  }
};

test('each service has a program of its own', () => {
  const lacking = allServices.map(({ name }) => name).filter((name) => !mainOf(name).includes('runService('));
  expect(
    lacking.map((name) => `services/${name}/main.ts is missing or does not run the service: copy that of another`),
  ).toEqual([]);
});
