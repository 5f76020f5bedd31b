// Who may import whom, on resolved paths. The allowed directions are a DAG: kernel ← catalogue ← webhook, runtime ← store ← services ← cli.
// Types count for the directions between packages; cycles are forbidden for what is loaded at run time.
'use strict';

const TESTS = '(\\.test\\.ts$|^test/kit/|^test/|/testing/)';
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: TESTS },
  to: { path: '^(libs|services|cli|deploy|tools|test)/', pathNot: allowed },
});
const client = (name, pkg, folder) => ({
  name: `client-${name}`,
  comment: `${pkg} is imported in one place: replacing it must not touch a second one.`,
  severity: 'error',
  from: { path: '^(libs|services|cli)/', pathNot: `${TESTS}|${folder}` },
  to: { path: `node_modules/${pkg}/`, dependencyTypesNot: ['type-only'] },
});

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'not-to-dev-dependency', severity: 'error', from: { path: '^(libs|services|cli|deploy)/', pathNot: TESTS }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '@types/' } },
    { name: 'tests-stay-outside', severity: 'error', from: { path: '^(libs|services|cli|deploy)/', pathNot: TESTS }, to: { path: `${TESTS}` } },
    only('kernel', '^libs/domain/rules/', '^libs/domain/rules/', 'The kernel knows nothing else.'),
    only('catalogue', '^libs/domain/catalogue/', '^libs/(catalogue|kernel)/', 'The catalogue is data over the kernel.'),
    only('webhook', '^libs/envelope/', '^libs/(webhook|kernel|catalogue|runtime/envelope)/', 'Verification and envelopes, no client.'),
    only('runtime', '^libs/platform/', '^libs/(runtime|kernel|catalogue)/', 'The runtime knows no store and no service.'),
    only('store', '^libs/apply/', '^libs/(store|kernel|catalogue|runtime)/', 'The store knows no service.'),
    { name: 'store-takes-types-of-runtime', severity: 'error', from: { path: '^libs/apply/', pathNot: TESTS }, to: { path: '^libs/platform/', dependencyTypesNot: ['type-only'] } },
    only('domain', '^services/[^/]+/src/domain/', '^libs/(kernel|catalogue)/|^services/[^/]+/src/domain/', 'Rules are pure.'),
    { name: 'no-service-imports-another', severity: 'error', from: { path: '^services/([^/]+)/', pathNot: TESTS }, to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' } },
    { name: 'services-import-libs', severity: 'error', from: { path: '^services/', pathNot: TESTS }, to: { path: '^(cli|deploy|tools|test)/' } },
    client('kafka', 'kafkajs', '^libs/platform/kafka/'),
    client('postgres', 'pg', '^libs/apply/'),
    client('redis', 'ioredis', '^libs/platform/redis/'),
    client('queue', 'bullmq', '^libs/platform/queue/'),
    client('queue-page', '(@bull-board/.*|@fastify/basic-auth)', '^libs/platform/queue/'),
    client('loader', 'dataloader', '^services/notifier/'),
    client('http', 'fastify', '^libs/platform/service/|^services/ingest/'),
    client('avro', '(avsc|@kafkajs/confluent-schema-registry)', '^libs/envelope/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^\\.dakia/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.cjs', '.json'] },
  },
};
