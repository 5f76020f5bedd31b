import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { codeOf } from '#platform/log';
import { within } from '#platform/time';
import { forgetFiles, verifyFiles } from './checksums.ts';
import { repositoryRoot } from './folders.ts';
import { LaunchFailure, StoppedWhileStarting } from './launch-failure.ts';
import { formatBytes, secondsSince } from './progress.ts';
import type { Report } from './progress.ts';
import { lastLines } from './server-process.ts';

/** The unpacked servers. */
export interface ServerFiles {
  /** Class path of Kafka. */
  readonly kafka: string;
  readonly registryJar: string;
  readonly redis: string;
  /** Folder with `bin`, `lib` and `share`. */
  readonly postgres: string;
}

const execute = promisify(execFile);

// Redis' and Postgres' own words for each platform (embedded-redis 0.9.1, Zonky embedded-postgres-binaries).
const platforms: Readonly<Record<string, { readonly redis: string; readonly postgres: string }>> = {
  'linux-x64': { redis: 'linux-amd64', postgres: 'linux-amd64' },
  'linux-arm64': { redis: 'linux-arm64', postgres: 'linux-arm64v8' },
  'darwin-x64': { redis: 'darwin-amd64', postgres: 'darwin-amd64' },
  'darwin-arm64': { redis: 'darwin-arm64', postgres: 'darwin-arm64v8' },
};

const pom = join(import.meta.dirname, 'pom.xml');
const checksums = join(import.meta.dirname, 'servers.sha256');
/**
 * Maven from 3.9 on compares every file that it resolves with maven/checksums.sha256 before it uses it: its own
 * plugins, what those need, and POMs. A file that is not named there is refused. Earlier ones know no such settings.
 * The list is made anew by Maven itself: these settings, `${TRUSTED}.record=true` and a folder of its own, once for
 * each platform.
 */
const TRUSTED = 'aether.artifactResolver.postProcessor.trustedChecksums';
const SUMMARY = 'aether.trustedChecksumsSource.summaryFile';
export const trustedChecksums = [
  `-D${TRUSTED}=true`,
  `-D${TRUSTED}.checksumAlgorithms=SHA-256`,
  `-D${TRUSTED}.failIfMissing=true`,
  `-D${SUMMARY}=true`,
  `-D${SUMMARY}.originAware=false`,
  `-D${SUMMARY}.basedir=${join(import.meta.dirname, 'maven')}`,
] as const;
const DOWNLOAD_WITHIN_MS = 900_000;
const REPORT_EVERY_MS = 2_000;
/** What a machine with an empty Maven repository fetches: servers and Maven's own plugins. */
const FULL_DOWNLOAD = '190 MB';
const STAMP_LENGTH = 12;

/**
 * Where the servers of this POM lie once unpacked. Named by its hash
 * and that of the checksums, so a changed version is a new folder.
 */
const filesFolder = (): string => {
  const hash = createHash('sha256').update(readFileSync(pom)).update(readFileSync(checksums));
  const stamp = hash.digest('hex').slice(0, STAMP_LENGTH);
  return join(repositoryRoot, '.dakia', 'servers', `${stamp}-${process.platform}-${process.arch}`);
};

const filesIn = (folder: string): ServerFiles => {
  const { redis } = platform();
  const version = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(readFileSync(pom, 'utf8'))?.[1] ?? '';
  return {
    kafka: join(folder, 'kafka', '*'),
    registryJar: join(folder, 'registry', `apicurio-registry-app-${version('apicurio.version')}-runner.jar`),
    redis: join(folder, 'redis', `redis-server-${version('redis.server.version')}-${redis}`),
    postgres: join(folder, 'postgres'),
  };
};

const platform = () => {
  const known = platforms[`${process.platform}-${process.arch}`];
  if (known === undefined) {
    throw new LaunchFailure(
      codeOf('start', 'requirements'),
      `There are no embedded servers for ${process.platform} on ${process.arch}. Give KAFKA_BROKERS, ` +
        'DATABASE_URL, REDIS_URL and SCHEMA_REGISTRY_URL of servers that run elsewhere.',
    );
  }
  return known;
};

/**
 * "Downloaded from central: https://… (2.3 MB at 6.2 MB/s)" →
 * 2300000; 0 for any other line. Maven counts in decimal units.
 */
export const downloadedBytes = (line: string): number => {
  const match = /Downloaded from .* \(([\d.]+) (B|kB|MB|GB) at /.exec(line);
  if (match === null) return 0;
  return Number(match[1]) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] as 'B' | 'kB' | 'MB' | 'GB'];
};

/** The servers' files, fetched by Maven when this POM was not unpacked before. */
export const serverFiles = async (report: Report, signal?: AbortSignal): Promise<ServerFiles> => {
  const folder = filesFolder();
  if (!existsSync(folder)) await fetchInto(folder, report, signal);
  return filesIn(folder);
};

const fetchInto = async (folder: string, report: Report, signal?: AbortSignal): Promise<void> => {
  const started = performance.now();
  mkdirSync(join(folder, '..'), { recursive: true });
  // Filled beside and renamed when complete: a start that is cut
  // short leaves nothing half done, and two at once do not mix.
  const filling = `${folder}.${process.pid}`;
  rmSync(filling, { recursive: true, force: true });
  mkdirSync(filling);
  try {
    report('servers', `downloading with Maven what is not yet here (at most ${FULL_DOWNLOAD})`);
    const bytes = await maven('prepare-package', filling, report, signal);
    await verifyFiles(filling, checksums, async (paths) => {
      await maven('antrun:run@repository', filling, report, signal);
      forgetFiles(readFileSync(join(filling, 'repository'), 'utf8'), paths);
    });
    await maven('antrun:run@unpack', filling, report, signal);
    const { postgres } = filesIn(filling);
    await execute('tar', ['-xf', join(postgres, 'postgres.tar'), '-C', postgres]);
    rmSync(join(postgres, 'postgres.tar'));
    try {
      renameSync(filling, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error;
    }
    report('servers', `unpacked, ${formatBytes(bytes)} downloaded (${secondsSince(started)})`);
  } finally {
    rmSync(filling, { recursive: true, force: true });
  }
};

/** Runs a goal of the POM with Maven and answers how much it downloaded. */
const maven = async (goal: string, out: string, report: Report, signal?: AbortSignal): Promise<number> => {
  const { redis, postgres } = platform();
  const started = performance.now();
  const logFile = join(out, 'maven.log');
  const log = createWriteStream(logFile, { flags: 'a' });
  const args = [
    '-B',
    // A file that differs from the checksum of where it comes from is an error, and no warning.
    '-C',
    ...trustedChecksums,
    '-f',
    pom,
    `-Dout=${out}`,
    `-Dredis.platform=${redis}`,
    `-Dpostgres.platform=${postgres}`,
    '-Dstyle.color=never',
    goal,
  ];
  const child = spawn('mvn', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(signal === undefined ? {} : { signal }),
  });
  child.stderr.pipe(log, { end: false });
  let bytes = 0;
  let reported = started;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    log.write(`${line}\n`);
    bytes += downloadedBytes(line);
    if (bytes > 0 && performance.now() - reported >= REPORT_EVERY_MS) {
      reported = performance.now();
      report('servers', `${formatBytes(bytes)} downloaded (${secondsSince(started)})`);
    }
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killedBy) => resolve(code ?? killedBy ?? 1));
  });
  const outcome = await within(DOWNLOAD_WITHIN_MS, ended);
  if (outcome === undefined) child.kill('SIGKILL');
  await new Promise((resolve) => log.end(resolve));
  if (outcome === 0) return bytes;
  if (signal?.aborted === true) throw new StoppedWhileStarting('the download was cut short');
  const why =
    outcome === undefined ? `did not end within ${DOWNLOAD_WITHIN_MS / 60_000} minutes` : `failed (${outcome})`;
  throw new LaunchFailure(
    codeOf('start', 'files'),
    `Maven, which fetches the servers, ${why}. Its last lines:\n${lastLines(logFile)}`,
  );
};
