'use strict';
// `node tools/bootstrap.cjs <program> [arguments]`: makes a fresh clone ready (requirements, npm ci) and runs the
// program under the pinned Node. Any Node >= 14, no dependencies.
const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { compileCacheFolder } = require('../cli/compile-cache.cjs');
const { chooseServers, machine, nodeTooOld } = require('../local/requirements.cjs');
const { testsNeedServers } = require('./test-projects.cjs');

const root = path.join(__dirname, '..');
const PINNED_MAJOR = 24;
/** Warnings that say nothing about Dakia: kafkajs' throttle timer, and Node's own word on stripping types. */
const FLAGS = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning'];
const PARENT_CHECK_MS = 500;

const refuse = (sentence) => {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
};

const readPackages = (file) => {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')).packages;
  } catch (error) {
    return undefined;
  }
};

/**
 * Whether node_modules is what package-lock.json asks for. npm writes its own copy of the lock there as its last act,
 * so an interrupted or foreign install never looks complete. Optional packages of other platforms are rightly absent.
 */
const isInstalled = () => {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages('node_modules/.package-lock.json');
  if (wanted === undefined || installed === undefined) return false;
  return Object.keys(wanted).every((name) => {
    if (name === '') return true;
    const there = installed[name];
    if (there === undefined) return wanted[name].optional === true;
    return there.version === wanted[name].version && there.integrity === wanted[name].integrity;
  });
};

const install = () => {
  const started = Date.now();
  process.stdout.write('  packages   npm ci: node_modules is not what package-lock.json asks for\n');
  const npm = process.env.npm_execpath;
  // Warnings are left out: they are about the Node that starts the install, not about the one that runs Dakia.
  const args = ['ci', '--loglevel=error'];
  const options = { cwd: root, stdio: 'inherit' };
  const result =
    npm && /\.c?js$/.test(npm) ? spawnSync(process.execPath, [npm, ...args], options) : spawnSync('npm', args, options);
  if (result.error)
    refuse(
      `npm could not be run (${result.error.message}): install npm, which comes with Node, and run the command again.`,
    );
  if (result.status !== 0) process.exit(result.status || 1);
  process.stdout.write(`  packages   installed (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
};

const pinnedNode = () => {
  const pinned = path.join(root, 'node_modules', '.bin', 'node');
  if (fs.existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= PINNED_MAJOR) return process.execPath;
  return refuse(
    `There is no npm package of Node ${PINNED_MAJOR} for ${process.platform} on ${process.arch}: install Node ${PINNED_MAJOR} or newer and run the command again with it.`,
  );
};

/** Programs that start servers; of the tests, those parts that do. */
const needsServers = (program, args) => {
  if (args.includes('--help')) return false;
  // What observe looks at runs already.
  if (/^local\//.test(program)) return program !== 'local/observe.ts';
  return program === 'tools/test.ts' && testsNeedServers(args);
};

const [program, ...args] = process.argv.slice(2);
if (program === undefined) refuse('Give the program to run: node tools/bootstrap.cjs local/start.ts');
const tooOld = nodeTooOld(process.versions.node);
if (tooOld !== undefined) refuse(tooOld);
if (needsServers(program, args)) {
  const { missing } = chooseServers(process.env, machine(process.env));
  if (missing !== undefined) refuse(missing);
}
if (!isInstalled()) install();

// The channel is how the program learns that this process was killed.
// Every process below inherits the compile cache: services of `--separate`, the linter, the CLI in tests.
const compileCache = process.env.NODE_COMPILE_CACHE || compileCacheFolder();
const env =
  compileCache === undefined ? process.env : Object.assign({}, process.env, { NODE_COMPILE_CACHE: compileCache });
const child = spawn(pinnedNode(), [...FLAGS, path.join(root, program), ...args], {
  env,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
child.on('error', (error) => refuse(`${program} could not be run: ${error.message}`));
child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + os.constants.signals[signal]));
// At a terminal Ctrl-C reaches the program by itself, and npm repeats
// it; programs count signals in quick succession as one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

// A killed npm cannot pass anything on; its child notices that it has
// another parent. Only under npm: `nohup … &` is meant to outlive its shell.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, PARENT_CHECK_MS);
}
