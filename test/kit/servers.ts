import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startServers } from '#local';
import { startContainerServers } from './container-servers.ts';
import { ROOT } from './root.ts';

const ADDRESSES = ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL', 'SCHEMA_REGISTRY_URL'] as const;
export type ServerAddresses = Readonly<Record<(typeof ADDRESSES)[number], string>>;

/** The servers that this test run talks to; set by the global set-up or given by whoever runs the tests. */
export const testServers = (): ServerAddresses => {
  const missing = ADDRESSES.filter((name) => process.env[name] === undefined);
  if (missing.length > 0)
    throw new Error(
      `no test servers: ${missing.join(', ')} not set; run the tests with npm test or npx jest ` +
        '--selectProjects integration',
    );
  return Object.fromEntries(ADDRESSES.map((name) => [name, process.env[name]])) as ServerAddresses;
};

/** Where servers come from that are not given: DAKIA_TEST_SERVERS. */
const SOURCES = ['embedded', 'containers'] as const;
const sourceOf = (text = 'embedded'): (typeof SOURCES)[number] => {
  const source = SOURCES.find((name) => name === text);
  if (source === undefined) throw new Error(`DAKIA_TEST_SERVERS is ${text}: give ${SOURCES.join(' or ')}`);
  return source;
};

/**
 * Starts servers on free ports with data of their own, so that the tests run beside an `npm start`, and puts the
 * addresses into the environment of this process and its children. Addresses that are given are used as they are. The
 * servers are the embedded ones, or with DAKIA_TEST_SERVERS=containers those of deploy/images.env, by testcontainers.
 */
export const provideServers = async (): Promise<() => Promise<void>> => {
  const source = sourceOf(process.env['DAKIA_TEST_SERVERS']);
  if (ADDRESSES.every((name) => process.env[name] !== undefined)) return async () => undefined;
  const report = (step: string, text: string): void => void process.stdout.write(`  ${step}: ${text}\n`);
  const servers =
    source === 'containers'
      ? await startContainerServers(report)
      : await startServers({
          dataDir: join(ROOT, '.dakia', 'test', randomBytes(4).toString('hex')),
          ports: 'free',
          report,
          environment: process.env,
          temporary: true,
        });
  Object.assign(process.env, servers.addresses);
  return async () => {
    await servers.stop();
    for (const name of Object.keys(servers.addresses)) delete process.env[name];
  };
};
