import tseslint from 'typescript-eslint';

const impureGlobals = ['Date', 'process', 'fetch', 'console', 'setTimeout', 'setInterval', 'crypto', 'performance'];

/** Files with a function of more than 70 lines, and why it is still one. */
const longFunctions = {
  'cli/commands/dead.ts': 'declares three commands, one after the other',
  'libs/platform/kafka/consumer/consumer.ts': 'closures over one member of a group and its partitions',
  'libs/platform/kafka/producer/batcher.ts': 'closures over one queue and its counters',
  'libs/platform/kafka/producer/connection.ts': 'closures over one session that is replaced',
  'libs/platform/kafka/topic-reader.ts': 'closures over one reading and its positions',
  'libs/platform/queue/bull-worker.ts': 'one BullMQ worker with all that it is told',
  'services/ingest/admission.ts': 'closures over one set of counters',
  'services/ingest/app.ts': 'one Fastify application: routes and hooks share its answer',
  'simulator/builders/merchant-detail.ts': 'one body as Razorpay sends it: data',
};

export default tseslint.config(
  { ignores: ['**/node_modules/', '.dakia/', '**/*.cjs', 'jest.config.js', 'eslint.config.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "CallExpression[callee.object.name='jest'][callee.property.name=/^(mock|unstable_mockModule|spyOn|fn)$/]",
          message: 'No mocks: use the real server, or a real local one for the outside world.',
        },
      ],
      eqeqeq: ['error', 'always'],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['**/*.test.ts', 'test/**', ...Object.keys(longFunctions)],
    rules: { 'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }] },
  },
  {
    // The rules of the product are pure: same input, same answer, on every machine and at every hour.
    files: ['libs/domain/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'Rules are pure: no Node module.' }] },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Rules are pure: no randomness.' },
      ],
    },
  },
  {
    // The environment is read in one place; everything else receives typed configuration.
    files: ['libs/**/*.ts', 'services/**/*.ts'],
    ignores: ['libs/platform/config/**', 'test/kit/**', '**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Configuration is read in libs/platform/config only.' },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/kit/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
);
