// The projects and what each needs: tools/test-projects.cjs.
import { join } from 'node:path';
import projects from './tools/test-projects.cjs';

const base = {
  testEnvironment: '<rootDir>/tools/jest/environment.cjs',
  runtime: '<rootDir>/tools/jest/runtime.cjs',
  cacheDirectory: join(import.meta.dirname, 'node_modules', '.cache', 'jest'),
  // Node reads TypeScript itself.
  transform: {},
  modulePathIgnorePatterns: ['<rootDir>/.dakia/'],
};
const servers = {
  globalSetup: '<rootDir>/test/kit/global-setup.ts',
  globalTeardown: '<rootDir>/test/kit/global-teardown.ts',
};
const setup = (name) => {
  if (name === 'chart') return { globalSetup: '<rootDir>/test/chart/kit/global-setup.ts' };
  return name === 'unit' || name === 'rules' ? {} : servers;
};
const project = (name) => ({
  ...base,
  ...setup(name),
  displayName: name,
  ...projects.jestPatterns(name),
});

/** A test that waits for something has a bound of its own; this one ends what hangs, and leaves room on a busy machine. */
const HANGING_MS = 20_000;

export default { testTimeout: HANGING_MS, projects: projects.PROJECTS.map(({ name }) => project(name)) };
