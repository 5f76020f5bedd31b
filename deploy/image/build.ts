/**
 * `npm run image`: builds the image of every service and of the dakia command, writes its parts list (CycloneDX) beside
 * it, and prints its name, size and id. `npm run image -- --local-base` where no base image can be pulled.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILD_BASE, makeLocalBases, RUNTIME_BASE } from './base.ts';
import { buildClient, docker } from './docker.ts';
import { writePartsList } from './parts-list.ts';
import { pinnedBases } from './pinned-bases.ts';

const root = join(import.meta.dirname, '..', '..');
const USAGE = `npm run image [-- --tag NAME:TAG] [--local-base] [--no-cache]

Builds the image with docker's BuildKit from deploy/Dockerfile.
  --tag NAME:TAG   its name (default: dakia:<version>-<commit>)
  --local-base     make the bases from Debian packages instead of pulling those of deploy/images.env
  --no-cache       build every step anew
`;

const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** How npm inside the build reaches its registry: as npm on this machine does. */
const registryAccess = (): readonly string[] => {
  const npmrc = [join(homedir(), '.npmrc')]
    .filter((file) => existsSync(file))
    .flatMap((file) => ['--secret', `id=npmrc,src=${file}`]);
  const authorities = process.env['NODE_EXTRA_CA_CERTS'] ?? '/etc/ssl/certs/ca-certificates.crt';
  const ca = existsSync(authorities)
    ? ['--secret', `id=ca,src=${authorities}`, '--build-arg', 'NODE_EXTRA_CA_CERTS=/run/secrets/ca']
    : [];
  return [...npmrc, ...ca];
};

const basesOf = (local: boolean): readonly [build: string, runtime: string] => {
  if (local) {
    makeLocalBases();
    return [BUILD_BASE, RUNTIME_BASE];
  }
  return pinnedBases(readFileSync(join(root, 'deploy', 'images.env'), 'utf8'));
};

const main = (): number => {
  const { values } = parseArgs({
    options: {
      tag: { type: 'string' },
      'local-base': { type: 'boolean' },
      'no-cache': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const client = buildClient();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
  const revision = git('rev-parse', 'HEAD');
  const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
  const seconds = git('log', '-1', '--format=%ct');
  const tag = values.tag ?? `dakia:${version}-${revision.slice(0, 12)}${dirty ? '-dirty' : ''}`;
  const [buildBase, runtimeBase] = basesOf(values['local-base'] === true);
  const args = {
    BUILD_BASE: buildBase,
    RUNTIME_BASE: runtimeBase,
    SOURCE_DATE_EPOCH: seconds,
    REVISION: `${revision}${dirty ? '-dirty' : ''}`,
    VERSION: version,
    CREATED: new Date(Number(seconds) * 1000).toISOString(),
  };
  const started = performance.now();
  const built = spawnSync(
    client,
    [
      'build',
      '--progress=plain',
      '--network=host',
      '--file',
      'deploy/Dockerfile',
      '--tag',
      tag,
      ...(values['no-cache'] === true ? ['--no-cache'] : []),
      ...registryAccess(),
      ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      '.',
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, DOCKER_BUILDKIT: '1' } },
  );
  if (built.status !== 0) return built.status ?? 1;

  const [size = '0', id = ''] = docker(['image', 'inspect', '--format', '{{.Size}} {{.Id}}', tag]).split(' ');
  const folder = join(root, '.dakia', 'image');
  mkdirSync(folder, { recursive: true });
  const partsList = writePartsList(root, folder, args.CREATED);
  writeFileSync(join(folder, 'name'), `${tag}\n`);
  process.stdout.write(`
image        ${tag}
id           ${id}
size         ${(Number(size) / 1e6).toFixed(1)} MB
bases        ${buildBase}, ${runtimeBase}
parts list   ${partsList}
built in     ${((performance.now() - started) / 1000).toFixed(1)} s
`);
  return 0;
};

process.exitCode = main();
