// Who may import whom, on resolved paths: the way of an event, and no arrow back.
//   rules ← catalogue ← families ← { envelope, platform } ← kafka ← { apply ← parking
//   ← operate, ingest, notifier, simulator } ← services wire ← local ← cli
// Types count for the directions between rooms; cycles are forbidden for what is loaded at run time.
'use strict';

const TESTS = '(\\.test\\.ts$|^test/)';
const CODE = '^(libs|services|cli|simulator|local|migrations|deploy|tools|test)/';
const CHECKED = '^(libs|services|cli|simulator|local)/';
/** A room and all that it may import from other rooms of this repository. */
const room = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: TESTS },
  to: { path: CODE, pathNot: [from, ...allowed] },
});
const client = (name, pkg, folder) => ({
  name: `client-${name}`,
  comment: `${pkg} is imported in one place: replacing it must not touch a second one.`,
  severity: 'error',
  from: { path: CHECKED, pathNot: [TESTS, folder] },
  to: { path: `node_modules/${pkg}/`, dependencyTypesNot: ['type-only'] },
});

const RULES = '^libs/domain/rules/';
const CATALOGUE = '^libs/domain/catalogue/';
const FAMILIES = '^libs/domain/families/';
const DOMAIN = '^libs/domain/';
const ENVELOPE = '^libs/envelope/';
const PLATFORM = '^libs/platform/';
const KAFKA = '^libs/kafka/';
const APPLY = '^libs/apply/';
const PARKING = '^libs/parking/';
const OPERATE = '^libs/operate/';
const INGEST = '^services/ingest/';
const NOTIFIER = '^services/notifier/';
const SIMULATOR = '^simulator/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'not-to-dev-dependency',
      severity: 'error',
      from: { path: CHECKED, pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '@types/' },
    },
    { name: 'tests-stay-outside', severity: 'error', from: { path: CHECKED, pathNot: TESTS }, to: { path: TESTS } },
    {
      name: 'unit-tests-load-single-files-of-the-kit',
      comment: 'Its index loads clients of all servers, which a unit test does not need: import `#kit/<file>`.',
      severity: 'error',
      from: { path: '\\.test\\.ts$', pathNot: '(\\.integration\\.test\\.ts$|^test/)' },
      to: { path: '^test/kit/index\\.ts$' },
    },
    room('rules', RULES, [], 'Rules know nothing else.'),
    room('catalogue', CATALOGUE, [RULES], 'The catalogue is data over the rules.'),
    room('families', FAMILIES, [RULES, CATALOGUE], 'Families import only rules and catalogue.'),
    {
      name: 'no-family-imports-another',
      severity: 'error',
      from: { path: '^libs/domain/families/([^/]+)/', pathNot: TESTS },
      to: { path: '^libs/domain/families/([^/]+)/', pathNot: '^libs/domain/families/$1/' },
    },
    room(
      'envelope',
      ENVELOPE,
      [DOMAIN, '^libs/platform/log/'],
      'Verification and envelopes: no client but the schema registry.',
    ),
    room('platform', PLATFORM, [DOMAIN], 'The platform knows no event, no applying and no service.'),
    room('kafka', KAFKA, [DOMAIN, ENVELOPE, PLATFORM], 'Kafka carries records, whatever is done with them.'),
    room(
      'apply',
      APPLY,
      [DOMAIN, ENVELOPE, PLATFORM, KAFKA],
      'Applying knows nothing of waking, of operators and of services.',
    ),
    room('parking', PARKING, [DOMAIN, ENVELOPE, PLATFORM, KAFKA, APPLY], 'Parking knows no operator and no service.'),
    room(
      'operate',
      OPERATE,
      [DOMAIN, ENVELOPE, PLATFORM, KAFKA, APPLY, PARKING],
      'What operators do knows no command line and no service.',
    ),
    room('ingest', INGEST, [DOMAIN, ENVELOPE, PLATFORM, KAFKA], 'Ingest knows nothing of Postgres and of applying.'),
    room(
      'notifier',
      NOTIFIER,
      [DOMAIN, ENVELOPE, PLATFORM],
      'The notifier knows outbox rows, not how they came to be.',
    ),
    {
      name: 'ingest-without-postgres',
      severity: 'error',
      from: { path: INGEST, pathNot: TESTS },
      to: { path: '^libs/platform/(postgres|redis|queue)/' },
    },
    room('services', '^services/', ['^libs/'], 'Services wire rooms of libs.'),
    {
      name: 'no-service-imports-another',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: TESTS },
      to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    },
    room(
      'simulator',
      SIMULATOR,
      [DOMAIN, ENVELOPE, PLATFORM],
      'The simulator knows what Razorpay sends and what must stand in Postgres.',
    ),
    room('local', '^local/', ['^libs/', '^services/'], 'The servers of npm start, on top of the services.'),
    room(
      'cli',
      '^cli/',
      ['^libs/', SIMULATOR, NOTIFIER, '^services/ingest/settings\\.ts$', '^services/[^/]+\\.ts$'],
      'A command parses, calls operate or the simulator, and prints.',
    ),
    client('metrics', 'prom-client', '^libs/platform/metrics/'),
    client('kafka', 'kafkajs', '^libs/kafka/|^local/'),
    client('postgres', 'pg', '^libs/platform/postgres/|^local/'),
    client('redis', 'ioredis', '^libs/platform/redis/'),
    client('queue', 'bullmq', '^libs/platform/queue/'),
    client('queue-page', '(@bull-board/.*|@fastify/basic-auth)', '^libs/platform/queue/'),
    client('loader', 'dataloader', '^libs/platform/postgres/'),
    client('http', 'fastify', `^libs/platform/service/|${INGEST}`),
    client('avro', '(avsc|@kafkajs/confluent-schema-registry)', ENVELOPE),
    client('traces', '@opentelemetry/', '^libs/platform/trace/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^\\.dakia/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.json'],
    },
  },
};
