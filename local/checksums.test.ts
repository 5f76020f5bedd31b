import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { forgetFiles, readChecksums, verifyFiles } from './checksums.ts';
import { trustedChecksums } from './server-files.ts';

let root: string;
let repository: string;
let checksums: string;
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const KAFKA = join('org', 'apache', 'kafka', '4', 'kafka.jar');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dakia-checksums-'));
  repository = join(root, 'repository');
  checksums = join(root, 'servers.sha256');
  for (const folder of ['kafka', 'archives', join('repository', KAFKA, '..')])
    mkdirSync(join(root, folder), { recursive: true });
  for (const file of [join('kafka', 'kafka.jar'), join('repository', KAFKA)]) writeFileSync(join(root, file), 'kafka');
  writeFileSync(join(root, 'archives', 'redis.jar'), 'redis');
  writeFileSync(checksums, `# why\n${digestOf('kafka')}  kafka/kafka.jar\n${digestOf('redis')}  archives/redis.jar\n`);
});
afterEach(() => rmSync(root, { recursive: true }));

const verify = async () => verifyFiles(root, checksums, async (paths) => forgetFiles(repository, paths));

test('files that are those that the repository names pass', async () => {
  await verify();
  expect(existsSync(join(repository, KAFKA))).toBe(true);
});

test('a file with other bytes is named and removed from where Maven would find it again, and others stay', async () => {
  writeFileSync(join(root, 'kafka', 'kafka.jar'), 'kafka and more');
  writeFileSync(join(repository, 'other.jar'), '');
  await expect(verify()).rejects.toThrow(
    /^What Maven fetched is not what servers\.sha256 names: kafka\/kafka\.jar\. The files were removed/,
  );
  expect([existsSync(join(repository, KAFKA)), existsSync(join(repository, 'other.jar'))]).toEqual([false, true]);
});

test('a file that nobody has named is refused', async () => {
  writeFileSync(join(root, 'kafka', 'stranger.jar'), '');
  await expect(verify()).rejects.toThrow('kafka/stranger.jar');
});

test('of what Maven itself runs to fetch them, everything is named, with the sums of the servers beside it', () => {
  const pom = readFileSync(join(import.meta.dirname, 'pom.xml'), 'utf8');
  const named = readChecksums(join(import.meta.dirname, 'maven', 'checksums.sha256'));
  const plugins = [...pom.matchAll(/<artifactId>(maven-[a-z]+-plugin)<\/artifactId>\s*<version>(.+?)<\/version>/g)];
  expect(plugins.length).toBe(2);
  for (const [, name = '', version = ''] of plugins)
    for (const kind of ['jar', 'pom'])
      expect([...named.keys()]).toContain(`org/apache/maven/plugins/${name}/${version}/${name}-${version}.${kind}`);
  // One file, one sum: a version that is raised in one list is raised in the other.
  const byName = new Map([...named].map(([path, digest]) => [basename(path), digest]));
  const servers = [...readChecksums(join(import.meta.dirname, 'servers.sha256'))];
  expect(servers.filter(([path, digest]) => byName.get(basename(path)) !== digest)).toEqual([]);
  // Where Maven looks for it, under the name that it looks for.
  expect(trustedChecksums.map((setting) => setting.slice(setting.lastIndexOf('.') + 1))).toContain(
    `basedir=${join(import.meta.dirname, 'maven')}`,
  );
});

/** A version that is raised without its checksums would fail at the next start of whoever has not got it yet. */
test('the list names what the POM fetches, for every platform', () => {
  const pom = readFileSync(join(import.meta.dirname, 'pom.xml'), 'utf8');
  const version = (name: string) => new RegExp(`<${name}>(.*)</${name}>`).exec(pom)?.[1] ?? '';
  const names = [...readChecksums(join(import.meta.dirname, 'servers.sha256')).keys()];
  expect(names).toEqual(
    expect.arrayContaining([
      `kafka/kafka_2.13-${version('kafka.version')}.jar`,
      `kafka/log4j-slf4j-impl-${version('log4j.version')}.jar`,
      `archives/apicurio-registry-app-${version('apicurio.version')}-all.tar.gz`,
      `archives/embedded-redis-${version('redis.version')}.jar`,
      ...['linux-amd64', 'linux-arm64v8', 'darwin-amd64', 'darwin-arm64v8'].map(
        (platform) => `archives/embedded-postgres-binaries-${platform}-${version('postgres.version')}.jar`,
      ),
    ]),
  );
});
