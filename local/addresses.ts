import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '#platform/config';
import { writePrivate } from './private-files.ts';

/** Where the four servers are, as the environment of the services. */
export interface ServerAddresses {
  readonly KAFKA_BROKERS: string;
  readonly DATABASE_URL: string;
  readonly REDIS_URL: string;
  readonly SCHEMA_REGISTRY_URL: string;
}
export type AddressName = keyof ServerAddresses;

export const addressNames: readonly AddressName[] = [
  'KAFKA_BROKERS',
  'DATABASE_URL',
  'REDIS_URL',
  'SCHEMA_REGISTRY_URL',
];

/** The addresses that the environment gives: those servers are used and not started. */
export const givenAddresses = (environment: Readonly<Record<string, string | undefined>>): Partial<ServerAddresses> =>
  Object.fromEntries(
    addressNames.flatMap((name) =>
      environment[name] === undefined || environment[name] === '' ? [] : [[name, environment[name]]],
    ),
  );

/** What was started in this folder, as `writeOwnAddresses` left it. */
const ownFile = (root: string): string => join(root, 'servers.json');

/** Keeps the addresses of the servers that a start has started itself, for the next start to know them again. */
export const writeOwnAddresses = (root: string, own: Partial<ServerAddresses>): void =>
  writePrivate(ownFile(root), `${JSON.stringify(own)}\n`);

/**
 * The environment without the addresses of servers that an earlier start of the same folder has started: they are there
 * when `.dakia/env` was sourced in this shell, and name no server of somebody else's.
 */
export const withoutOwnAddresses = (environment: Environment, root: string): Environment => {
  const own = readOwnAddresses(root);
  return Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => value === undefined || own[name] !== value),
  );
};

const readOwnAddresses = (root: string): Readonly<Record<string, string>> => {
  try {
    return JSON.parse(readFileSync(ownFile(root), 'utf8')) as Readonly<Record<string, string>>;
  } catch {
    // The first start of the folder, or one that was cut short: nothing is known to be ours.
    return {};
  }
};
