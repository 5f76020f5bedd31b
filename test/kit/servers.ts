import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startServers } from '#local';

const ADDRESSES = ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL', 'SCHEMA_REGISTRY_URL'] as const;
export type ServerAddresses = Readonly<Record<(typeof ADDRESSES)[number], string>>;

/** Root of the checkout. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** The servers that this test run talks to; set by the global set-up or given by whoever runs the tests. */
export const testServers = (): ServerAddresses => {
  const missing = ADDRESSES.filter((name) => process.env[name] === undefined);
  if (missing.length > 0)
    throw new Error(
      `no test servers: ${missing.join(', ')} not set; run the tests with npm test or npx jest --selectProjects integration`,
    );
  return Object.fromEntries(ADDRESSES.map((name) => [name, process.env[name]])) as ServerAddresses;
};

/**
 * Starts the embedded servers on free ports with a data folder of their own, so that
 * the tests run beside an `npm start`, and puts the addresses into the environment
 * of this process and its children. Addresses that are given are used as they are.
 */
export const provideServers = async (): Promise<() => Promise<void>> => {
  if (ADDRESSES.every((name) => process.env[name] !== undefined)) return async () => undefined;
  const servers = await startServers({
    dataDir: join(ROOT, '.dakia', 'test', randomBytes(4).toString('hex')),
    ports: 'free',
    report: (step, text) => void process.stdout.write(`  ${step}: ${text}\n`),
    environment: process.env,
    temporary: true,
  });
  Object.assign(process.env, servers.addresses);
  return async () => {
    await servers.stop();
    for (const name of Object.keys(servers.addresses)) delete process.env[name];
  };
};
