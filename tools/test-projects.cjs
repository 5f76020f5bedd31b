'use strict';
// Which project of jest a test file belongs to, said once: for
// jest.config.js, for `npm test -- FILE` and for the check of requirements.

/**
 * First match wins. `unit` needs nothing, `chart` helm and schemas
 * (test/chart/kit/tools.ts), `rules` Prometheus and amtool (local/prometheus-files.ts, test/kit/amtool.ts); the others
 * need Kafka, Postgres, Redis and the registry, `image` a container engine besides.
 */
const PROJECTS = [
  // A minute and more each, most of it waiting on servers of their
  // own: they run beside `faults`, each of the two one file at a time.
  { name: 'long', pattern: '/test/faults/(soak|drill|redis-outage|redis-workers)\\.test\\.ts$' },
  { name: 'faults', pattern: '/test/faults/.*\\.test\\.ts$' },
  { name: 'chart', pattern: '/test/chart/.*\\.test\\.ts$' },
  { name: 'image', pattern: '/test/image/.*\\.test\\.ts$' },
  { name: 'integration', pattern: '\\.integration\\.test\\.ts$' },
  { name: 'rules', pattern: '/test/observability/.*\\.test\\.ts$' },
  { name: 'unit', pattern: '\\.test\\.ts$' },
];
const WITH_SERVERS = ['integration', 'faults', 'long', 'image'];

/**
 * `tools/x.test.ts` → `unit`; undefined for what is no test file.
 * Takes a path from the root of the checkout, or an absolute one.
 */
const projectOf = (path) => {
  const found = PROJECTS.find(({ pattern }) => new RegExp(pattern).test(`/${path}`));
  return found === undefined ? undefined : found.name;
};

/** Patterns of jest for one project: its own, without those of the projects before it. */
const jestPatterns = (name) => {
  const place = PROJECTS.findIndex((project) => project.name === name);
  if (place < 0) throw new Error(`there is no project called ${name}`);
  const earlier = PROJECTS.slice(0, place).map(({ pattern }) => pattern);
  return { testRegex: PROJECTS[place].pattern, testPathIgnorePatterns: ['/node_modules/', ...earlier] };
};

/**
 * Whether a run of tools/test.ts with these arguments starts servers:
 * all parts, one that does, or a test file that does.
 */
const testsNeedServers = (args) => {
  const named = args.filter((arg) => WITH_SERVERS.includes(arg) || /\.test\.ts$/.test(arg));
  if (named.length > 0) return named.some((arg) => WITH_SERVERS.includes(projectOf(arg) || arg));
  return args.length === 0;
};

module.exports = { PROJECTS, jestPatterns, projectOf, testsNeedServers };
