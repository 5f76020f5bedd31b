// The projects and what each needs: tools/test-projects.cjs.
import { join } from 'node:path';
import projects from './tools/test-projects.cjs';

const commonjs = (parser) => ['@swc/jest', { jsc: { parser, target: 'es2023' }, module: { type: 'commonjs' } }];
/** It imports node:http when it first sends, which jest's sandbox has no answer to. */
const OTLP_EXPORTER = '/node_modules/@opentelemetry/otlp-exporter-base/';

const base = {
  testEnvironment: 'node',
  cacheDirectory: join(import.meta.dirname, 'node_modules', '.cache', 'jest'),
  transform: {
    '\\.ts$': commonjs({ syntax: 'typescript' }),
    [`${OTLP_EXPORTER}.*\\.cjs$`]: commonjs({ syntax: 'ecmascript' }),
  },
  transformIgnorePatterns: [`/node_modules/(?!${OTLP_EXPORTER.replace('/node_modules/', '')})`],
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

/** A test that waits for something has a bound of its own; this one ends what hangs, and leaves room on a busy machine. */
const HANGING_MS = 20_000;

export default { testTimeout: HANGING_MS, projects: projects.PROJECTS.map(({ name }) => project(name)) };
