// Two projects: `unit` needs nothing, `integration` needs Kafka, Postgres, Redis and the registry (libs/testkit/servers.ts).
const base = {
  testEnvironment: 'node',
  transform: { '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'commonjs' } }] },
  modulePathIgnorePatterns: ['<rootDir>/.dakia/'],
};

export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['**/*.test.ts'], testPathIgnorePatterns: ['/node_modules/', '\\.integration\\.test\\.ts$', '<rootDir>/test/(?!load/)'] },
    {
      ...base,
      displayName: 'integration',
      testMatch: ['**/*.integration.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/faults/'],
      globalSetup: '<rootDir>/libs/testkit/global-setup.ts',
      globalTeardown: '<rootDir>/libs/testkit/global-teardown.ts',
    },
    {
      ...base,
      displayName: 'faults',
      testMatch: ['<rootDir>/test/faults/**/*.test.ts'],
      globalSetup: '<rootDir>/libs/testkit/global-setup.ts',
      globalTeardown: '<rootDir>/libs/testkit/global-teardown.ts',
    },
  ],
};
