import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { QUARANTINE_SERVICE, serviceNames } from '#catalogue';
import { codeOf } from '#platform/log';
import { roleOf } from '#platform/postgres';
import { LaunchFailure } from './launch-failure.ts';
import type { AddressName, ServerAddresses } from './addresses.ts';
import type { StateFolder } from './folders.ts';
import type { OnePortLaunchOptions } from './launch-options.ts';
import { LOOPBACK, portOrFree } from './ports.ts';
import { placePostgres } from './postgres-account.ts';
import type { PostgresPlace } from './postgres-account.ts';
import { writePrivate } from './private-files.ts';
import type { TlsFiles } from './private-files.ts';
import { secondsSince } from './progress.ts';
import { childEnvironment, defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

export interface PostgresOptions extends OnePortLaunchOptions {
  /** Serves TLS with this certificate; connections without TLS stay possible. */
  readonly tls?: TlsFiles;
  /** Does not wait for the disk: survives its own death, not the machine's. */
  readonly temporary?: boolean;
}

export interface Postgres {
  readonly server: Server;
  /** Of the database `dakia`, with the password of its owner. */
  readonly url: string;
}

const execute = promisify(execFile);

const SUPERUSER = 'postgres';
const DATABASE = 'dakia';
const PASSWORD_BYTES = 24;
const MAX_CONNECTIONS = 300;
/** After a crash the log is replayed first, which takes its time with much data. */
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;
const CONNECT_WITHIN_MS = 2_000;

/** One Postgres on loopback, never as root; its database and a random password are made once. */
export const startPostgres = async ({
  files,
  folder,
  port: wanted,
  report,
  name = 'postgres',
  tls,
  temporary = false,
  onDefined,
}: PostgresOptions): Promise<Postgres> => {
  const started = performance.now();
  const password = passwordOf(join(folder.data, `${name}.password`));
  const place = placePostgres(files.postgres, join(folder.data, name), report);
  if (!existsSync(join(place.data, 'PG_VERSION'))) await initialise(place, password);
  const port = await portOrFree(wanted);
  const server = defineServer(
    {
      name,
      kind: 'server',
      command: join(place.program, 'bin', 'postgres'),
      args: [
        '-D',
        place.data,
        '-p',
        String(port),
        '-h',
        LOOPBACK,
        '-k',
        '',
        '-c',
        `max_connections=${MAX_CONNECTIONS}`,
        ...(temporary ? ['-c', 'fsync=off'] : []),
        ...tlsArgs(place, tls),
      ],
      cwd: '/',
      ...(place.user === undefined ? {} : { user: place.user }),
      ready: () => postgresAnswers(postgresUrl(password, port, SUPERUSER)),
      readyWithinMs: READY_WITHIN_MS,
      // Fast shutdown: ends connections in use; SIGTERM would wait for them.
      stopSignal: 'SIGINT',
      stopWithinMs: STOP_WITHIN_MS,
      // The children of a killed server take a moment to notice.
      tryAgainOn: /pre-existing shared memory block|lock file "postmaster.pid" already exists/,
    },
    folder,
  );
  onDefined?.(server);
  await server.start();
  await createDatabase(postgresUrl(password, port, SUPERUSER));
  report(name, `ready on ${LOOPBACK}:${port} (${secondsSince(started)})`);
  return { server, url: postgresUrl(password, port) };
};

export const postgresUrl = (password: string, port: number, database: string = DATABASE): string =>
  `postgres://${SUPERUSER}:${password}@${LOOPBACK}:${port}/${database}`;

/** Random, drawn once, readable by its owner alone. */
export const passwordOf = (file: string): string => {
  if (!existsSync(file)) writePrivate(file, randomBytes(PASSWORD_BYTES).toString('base64url'));
  return readFileSync(file, 'utf8').trim();
};

const initialise = async (place: PostgresPlace, password: string): Promise<void> => {
  const passwordFile = `${place.data}.initial-password`;
  const run = { cwd: '/', env: childEnvironment(), ...place.user };
  try {
    // A half-made cluster of an interrupted first start has no PG_VERSION only when initdb cleaned up; make sure.
    rmSync(join(place.data), { recursive: true, force: true });
    await execute('mkdir', ['-m', '700', place.data]);
    writePrivate(passwordFile, password);
    if (place.user !== undefined)
      for (const path of [place.data, passwordFile]) chownSync(path, place.user.uid, place.user.gid);
    const args = [
      '-D',
      place.data,
      '-U',
      SUPERUSER,
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '-E',
      'UTF8',
      '--locale=C',
      '--no-instructions',
    ];
    await execute(join(place.program, 'bin', 'initdb'), args, run);
  } catch (error) {
    rmSync(place.data, { recursive: true, force: true });
    const { stderr, message } = error as Error & { readonly stderr?: string };
    throw new LaunchFailure(
      codeOf('start', 'server'),
      `Postgres' data could not be made in ${place.data}: ${stderr?.trim() || message}`,
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
};

/** Postgres takes its key only from a file of its own that nobody else may read. */
const tlsArgs = (place: PostgresPlace, tls: TlsFiles | undefined): readonly string[] => {
  if (tls === undefined) return [];
  const [cert, key] = [join(place.data, 'server.crt'), join(place.data, 'server.key')];
  for (const [path, from] of [
    [cert, tls.certFile],
    [key, tls.keyFile],
  ] as const) {
    writePrivate(path, readFileSync(from, 'utf8'));
    if (place.user !== undefined) chownSync(path, place.user.uid, place.user.gid);
  }
  return ['-c', 'ssl=on', '-c', `ssl_cert_file=${cert}`, '-c', `ssl_key_file=${key}`];
};

const connected = async <Value>(url: string, work: (client: pg.Client) => Promise<Value>): Promise<Value> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_WITHIN_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
};

export const postgresAnswers = (url: string): Promise<boolean> =>
  connected(url, async (client) => {
    await client.query('SELECT 1');
    return true;
  }).catch(() => false);

/**
 * Who the services of `npm start` log in as, and who reads: neither
 * owns anything, and a role that is not taken gives no right.
 */
const LOGINS = [
  {
    user: 'dakia_services',
    roles: ([...serviceNames, QUARANTINE_SERVICE, 'notifier'] as const).map(roleOf),
    inherits: false,
  },
  { user: 'dakia_analyst', roles: ['dakia_reader'], inherits: true },
] as const;
export type LoginUser = (typeof LOGINS)[number]['user'];

/**
 * Makes the users beside the owner, each with a password of its own in
 * the data folder, and answers their addresses. After the migrations.
 */
export const makeLogins = (ownerUrl: string, { data }: StateFolder): Promise<Readonly<Record<LoginUser, string>>> =>
  connected(ownerUrl, async (client) => {
    const urls: [string, string][] = [];
    for (const { user, roles, inherits } of LOGINS) {
      const password = passwordOf(join(data, `${user}.password`));
      const attributes =
        `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE ${inherits ? 'INHERIT' : 'NOINHERIT'} PASSWORD ` +
        `${pg.escapeLiteral(password)}`;
      const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [user]);
      await client.query(`${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${user} ${attributes}`);
      // Said with the grant: one of an earlier start keeps what it
      // was given with, whatever the user's attribute says now.
      await client.query(`GRANT ${roles.join(', ')} TO ${user} WITH INHERIT ${inherits ? 'TRUE' : 'FALSE'}`);
      urls.push([user, withUser(ownerUrl, user, password)]);
    }
    return Object.fromEntries(urls) as Record<LoginUser, string>;
  });

/**
 * The same where Postgres is ours, in a process or in a container; a
 * database that somebody else runs has its own users.
 */
export const loginsFor = async ({
  addresses,
  own,
  folder,
}: {
  readonly addresses: Pick<ServerAddresses, 'DATABASE_URL'>;
  readonly own: readonly AddressName[];
  readonly folder: StateFolder;
}): Promise<Readonly<Record<LoginUser, string>> | undefined> =>
  own.includes('DATABASE_URL') ? makeLogins(addresses.DATABASE_URL, folder) : undefined;

const withUser = (url: string, user: string, password: string): string => {
  const target = new URL(url);
  target.username = user;
  target.password = password;
  return target.href;
};

const createDatabase = (url: string): Promise<void> =>
  connected(url, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
