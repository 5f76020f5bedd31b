// Three projects (tools/test-projects.cjs): `unit` needs nothing, the others need Kafka, Postgres, Redis and the registry (test/kit/servers.ts).
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
  // Only when a seed was asked for: the setup loads fast-check into every test file.
  setupFiles: process.env.DAKIA_TEST_SEED === undefined ? [] : ['<rootDir>/tools/fast-check-seed.cjs'],
};
const servers = {
  globalSetup: '<rootDir>/test/kit/global-setup.ts',
  globalTeardown: '<rootDir>/test/kit/global-teardown.ts',
};
const project = (name) => ({
  ...base,
  ...(name === 'unit' ? {} : servers),
  displayName: name,
  ...projects.jestPatterns(name),
});

export default { projects: ['unit', 'integration', 'faults'].map(project) };
