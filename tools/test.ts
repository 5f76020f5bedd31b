/**
 * `npm test`: everything that must hold before a change lands; `npm run check`: its quick parts, which need no server;
 * `npm test -- FILE…`: single test files. Parts run side by side as far as their share of the cores allows. Ends with
 * the line `N passed, N failed, N skipped`, where each check counts as one and each test of jest as one.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { readRequest, USAGE } from './test-arguments.ts';
import type { Project } from './test-projects.cjs';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const scratch = mkdtempSync(join(tmpdir(), 'dakia-test-'));

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Runs a program to its end with its output shown as it comes. `signal` ends it the hard way. */
const run = (command: string, args: readonly string[], signal?: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    const kill = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', kill);
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

type Command = readonly [string, ...string[]];

/**
 * A check of one program, with `more` in its environment where that says nothing else. What it prints is shown when it
 * has ended, so that two at once do not mix their lines.
 */
const checkWith = (more: Readonly<Record<string, string>>, command: Command) => (): Promise<Counts> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, {
      cwd: root,
      env: { ...more, ...process.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(said));
      resolve({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
    });
  });

const check = (...command: Command): (() => Promise<Counts>) => checkWith({}, command);

/**
 * The linter's checker of types is a Go program that lives for seconds: a quarter of its CPU went into collecting
 * garbage (28 s of CPU, 20 s without; docs/adr/0018). It collects where it would need more memory than this.
 */
const LINT_MEMORY = { GOGC: 'off', GOMEMLIMIT: '2GiB' };

interface JestFile {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'focused';
  readonly assertionResults: readonly {
    readonly status: 'passed' | 'failed' | 'pending' | 'todo' | 'skipped' | 'disabled' | 'focused';
  }[];
}
interface JestReport {
  readonly testResults: readonly JestFile[];
}

/** How long jest may take to end after it has written its report: what a test left open must not hang the run. */
const EXIT_WITHIN_MS = 30_000;

const runJest = async (
  project: Project,
  workers: number,
  files: readonly string[],
  name?: string,
): Promise<readonly JestFile[] | undefined> => {
  const report = join(scratch, `${project}.json`);
  rmSync(report, { force: true });
  const stuck = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  const watch = setInterval(() => {
    if (!existsSync(report)) return;
    clearInterval(watch);
    patience = setTimeout(() => stuck.abort(), EXIT_WITHIN_MS).unref();
  }, 1_000);
  watch.unref();
  stuck.signal.addEventListener(
    'abort',
    () =>
      void process.stdout.write(
        `LEFT OPEN ${project}: all tests have ended, jest has not: some test leaves a timer or a connection ` +
          `behind; it is ended\n`,
      ),
  );
  await run(
    process.execPath,
    [
      '--disable-warning=TimeoutNegativeWarning',
      '--disable-warning=ExperimentalWarning',
      bin('jest'),
      ...['--selectProjects', project, '--maxWorkers', String(workers), '--json', '--outputFile', report],
      ...(name === undefined ? [] : ['--testNamePattern', name]),
      ...(files.length > 0 ? ['--runTestsByPath', ...files] : []),
    ],
    stuck.signal,
  );
  clearInterval(watch);
  clearTimeout(patience);
  try {
    return (JSON.parse(readFileSync(report, 'utf8')) as JestReport).testResults;
  } catch {
    return undefined;
  }
};

/** A file that could not be run at all counts as one failure. */
const countFile = ({ status, assertionResults }: JestFile): Counts => {
  const number = (...wanted: readonly string[]): number =>
    assertionResults.filter((result) => wanted.includes(result.status)).length;
  const failed = number('failed');
  return {
    passed: number('passed'),
    failed: failed === 0 && status === 'failed' ? 1 : failed,
    skipped: number('pending', 'todo', 'skipped', 'disabled'),
  };
};

const sum = (all: readonly Counts[]): Counts =>
  all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }), {
    passed: 0,
    failed: 0,
    skipped: 0,
  });

/**
 * Tests on real servers wait for facts with a bound, and a neighbour on a shared
 * machine can use the bound up. So a file of `again` projects that failed runs once
 * more, by itself; what passes then is named as unsteady, what fails again has failed.
 */
const jest = (project: Project, workers: number, again: 'once' | 'again') => async (): Promise<Counts> => {
  const first = await runJest(project, workers, []);
  if (first === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = first.filter(({ status }) => status === 'failed');
  if (failed.length === 0 || again === 'once') return sum(first.map(countFile));
  process.stdout.write(`\n${failed.length} files of ${project} failed and run once more, one by one\n`);
  const second = await runJest(
    project,
    1,
    failed.map(({ name }) => name),
  );
  if (second === undefined) return sum(first.map(countFile));
  for (const { name } of second.filter(({ status }) => status !== 'failed'))
    process.stdout.write(`UNSTEADY ${relative(root, name)}: failed, then passed\n`);
  const steady = first.filter(({ status }) => status !== 'failed');
  return sum([...steady, ...second].map(countFile));
};

interface Part {
  readonly run: () => Promise<Counts>;
  /** Of CORES; parts run side by side while their sum fits. */
  readonly cores: number;
  /** Part of `npm run check`: needs no server. */
  readonly quick: boolean;
}
const CORES = 2;
const quick = (run: () => Promise<Counts>): Part => ({ run, cores: 1, quick: true });
const onServers = (run: () => Promise<Counts>, cores: number): Part => ({ run, cores, quick: false });
/** More than cores: half a minute of a worker's time its tests wait for something, and the linter takes one core. */
const UNIT_WORKERS = 3;

/** The longest first: it takes one core while the others follow each other on the second. */
const parts: Readonly<Record<string, Part>> = {
  unit: quick(jest('unit', UNIT_WORKERS, 'once')),
  /** Rules and types: .oxlintrc.json. */
  lint: quick(checkWith(LINT_MEMORY, [bin('oxlint')])),
  format: quick(check(bin('biome'), 'format', '.')),
  names: quick(check('tools/check-names.ts')),
  imports: quick(
    check(
      bin('depcruise'),
      'libs',
      'services',
      'cli',
      'simulator',
      'local',
      'deploy',
      'migrations',
      'tools',
      'test',
      '--config',
      '.dependency-cruiser.cjs',
      ...['--cache', join(root, 'node_modules', '.cache', 'dependency-cruiser'), '--cache-strategy', 'content'],
    ),
  ),
  generated: quick(check('tools/generate.ts', '--check')),
  runbooks: quick(check('tools/check-runbooks.ts')),
  'dead code': quick(check(bin('knip'), '--cache')),
  chart: { run: jest('chart', 1, 'once'), cores: 1, quick: false },
  rules: { run: jest('rules', 1, 'once'), cores: 1, quick: false },
  integration: onServers(jest('integration', CORES, 'again'), CORES),
  /** These two wait more than they work: a file of each at a time. */
  faults: onServers(jest('faults', 1, 'again'), 1),
  long: onServers(jest('long', 1, 'again'), 1),
};

/** Runs the parts in their order, side by side where they fit, and says of each how it ended. */
const runParts = async (all: readonly (readonly [string, Part])[]): Promise<readonly Counts[]> => {
  const running = new Set<Promise<void>>();
  const results: Counts[] = [];
  let taken = 0;
  for (const [name, { run: start, cores }] of all) {
    while (taken + cores > CORES) await Promise.race(running);
    taken += cores;
    process.stdout.write(`[${name}] runs\n`);
    const startedMs = performance.now();
    const one = start().then((counts) => {
      results.push(counts);
      taken -= cores;
      running.delete(one);
      process.stdout.write(
        `[${name}] ${counts.failed === 0 ? 'ok' : 'FAILED'} in ` +
          `${((performance.now() - startedMs) / 1000).toFixed(1)} s (${results.length} of ${all.length})\n`,
      );
    });
    running.add(one);
  }
  await Promise.all(running);
  return results;
};

/** Single files, with jest's own report; once, because whoever runs one file wants to see it fail. */
const runFiles = async (
  files: ReadonlyMap<Project, readonly string[]>,
  name: string | undefined,
): Promise<readonly Counts[]> => {
  const results: Counts[] = [];
  for (const [project, paths] of files) {
    const report = await runJest(project, 1, paths, name);
    results.push(report === undefined ? { passed: 0, failed: 1, skipped: 0 } : sum(report.map(countFile)));
  }
  return results;
};

/**
 * The share of a property's cases that `npm run check` tries, unless
 * the environment says another: tools/jest/fast-check.cjs.
 */
const QUICK_CASES = '0.2';

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const known = Object.keys(parts);
const read = readRequest(
  args,
  known,
  known.filter((name) => parts[name]?.quick),
);
if (!read.ok) {
  process.stderr.write(`npm test: ${read.message}\n\n${USAGE}`);
  process.exit(2);
}
const { request } = read;
if (args.includes('--quick')) {
  process.env['DAKIA_TEST_CASES'] ??= QUICK_CASES;
  process.stdout.write(
    `properties try this share of their cases: ${process.env['DAKIA_TEST_CASES']} (DAKIA_TEST_CASES); ` +
      `npm test tries all\n`,
  );
}
if ('files' in request && request.seed !== undefined) process.env['DAKIA_TEST_SEED'] = String(request.seed);
const startedMs = performance.now();
const results =
  'files' in request
    ? await runFiles(request.files, request.name)
    : await runParts(Object.entries(parts).filter(([name]) => request.parts.includes(name)));
rmSync(scratch, { recursive: true, force: true });
const total = sum(results);
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
process.stdout.write(`\nin ${seconds} s\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(total.failed === 0 ? 0 : 1);
