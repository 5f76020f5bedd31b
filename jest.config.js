// The projects and what each needs: tools/test-projects.cjs.
import { join } from 'node:path';
import projects from './tools/test-projects.cjs';

const base = {
  testEnvironment: 'node',
  cacheDirectory: join(import.meta.dirname, 'node_modules', '.cache', 'jest'),
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'commonjs' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.dakia/'],
  moduleNameMapper: { '^fast-check$': '<rootDir>/tools/fast-check.cjs' },
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

export default { projects: projects.PROJECTS.map(({ name }) => project(name)) };
