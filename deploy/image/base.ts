/**
 * Where no image can be pulled: makes the two bases of deploy/Dockerfile from Debian packages and npm's own package.
 * The runtime base has what distroless/cc has that Node needs (C and C++ libraries, authorities, a user 65532) and no
 * shell; the build base has Node and npm besides. Needs apt-get and dpkg-deb, so a Debian machine.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from './docker.ts';

/** Debian packages of the runtime base. */
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'ca-certificates', 'netbase', 'tzdata'] as const;
/** Parts of those packages that nothing here reads. */
const LEFT_OUT = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/lintian',
  'usr/share/bug',
  'usr/sbin',
  'usr/share/gdb',
  'usr/share/ca-certificates',
  'usr/share/zoneinfo/right',
  'usr/share/zoneinfo/posix',
];
const NPM = 'npm@11.6.2';
export const RUNTIME_BASE = 'dakia-base/runtime:local';
export const BUILD_BASE = 'dakia-base/build:local';

const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, [...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const fileSystem = (folder: string): string => {
  const debs = join(folder, 'debs');
  const root = join(folder, 'root');
  mkdirSync(debs);
  mkdirSync(root);
  run('apt-get', ['-q', 'download', ...PACKAGES], debs);
  for (const deb of readdirSync(debs)) run('dpkg-deb', ['-x', join(debs, deb), root], debs);
  const authorities = join(root, 'usr/share/ca-certificates/mozilla');
  const bundle = readdirSync(authorities)
    .sort()
    .map((name) => readFileSync(join(authorities, name), 'utf8').trimEnd())
    .join('\n');
  LEFT_OUT.forEach((path) => rmSync(join(root, path), { recursive: true, force: true }));
  mkdirSync(join(root, 'etc/ssl/certs'), { recursive: true });
  writeFileSync(join(root, 'etc/ssl/certs/ca-certificates.crt'), `${bundle}\n`);
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  return root;
};

/** Same packages, same layer: names in order, one time, owner root. */
const importImage = (root: string, name: string): void => {
  const tar = join(root, '..', 'image.tar');
  run(
    'tar',
    ['-C', root, '--numeric-owner', '--owner=0', '--group=0', '--sort=name', '--mtime=@0', '-cf', tar, '.'],
    root,
  );
  docker(['import', '--change', 'ENV PATH=/usr/local/bin:/usr/bin:/bin', tar, name]);
  rmSync(tar);
};

/** Adds the Node of this checkout and npm, where the official Node images have them. */
const addNode = (root: string): void => {
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  mkdirSync(join(root, 'usr/local/lib/node_modules'), { recursive: true });
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
  const pack = join(root, '..', 'npm');
  mkdirSync(pack);
  run('npm', ['pack', '--silent', NPM], pack);
  const [tarball = ''] = readdirSync(pack);
  run('tar', ['-xzf', tarball], pack);
  cpSync(join(pack, 'package'), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
};

export const makeLocalBases = (): void => {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0)
    throw new Error(
      'The local base is made of Debian packages: run this on Debian, or without --local-base where ' +
        'images can be pulled.',
    );
  const folder = mkdtempSync(join(tmpdir(), 'dakia-base-'));
  try {
    // apt gives up root for its downloads and must be able to write here.
    chmodSync(folder, 0o755);
    const root = fileSystem(folder);
    importImage(root, RUNTIME_BASE);
    addNode(root);
    importImage(root, BUILD_BASE);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
