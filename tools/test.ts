/**
 * `npm test`: everything that must hold before a change lands, in the order of how quickly it can fail. Ends with the line
 * `N passed, N failed, N skipped`, where each check counts as one and each test of jest as one. `npm test -- unit` runs one part.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const scratch = mkdtempSync(join(tmpdir(), 'dakia-test-'));

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Runs a program to its end. `signal` ends it the hard way. */
const run = (command: string, args: readonly string[], signal?: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    const kill = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', kill);
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

const check =
  (...command: readonly [string, ...string[]]) =>
  async (): Promise<Counts> => {
    const code = await run(process.execPath, command);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  };

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
  project: string,
  workers: number,
  files: readonly string[],
): Promise<readonly JestFile[] | undefined> => {
  const report = join(scratch, `${project}.json`);
  rmSync(report, { force: true });
  const stuck = new AbortController();
  const watch = setInterval(() => {
    if (!existsSync(report)) return;
    clearInterval(watch);
    setTimeout(() => stuck.abort(), EXIT_WITHIN_MS).unref();
  }, 1_000);
  watch.unref();
  stuck.signal.addEventListener(
    'abort',
    () =>
      void process.stdout.write(
        `LEFT OPEN ${project}: all tests have ended, jest has not: some test leaves a timer or a connection behind; it is ended\n`,
      ),
  );
  await run(
    process.execPath,
    [
      '--disable-warning=TimeoutNegativeWarning',
      '--disable-warning=ExperimentalWarning',
      bin('jest'),
      ...['--selectProjects', project, '--maxWorkers', String(workers), '--json', '--outputFile', report],
      ...(files.length > 0 ? ['--runTestsByPath', ...files] : []),
    ],
    stuck.signal,
  );
  clearInterval(watch);
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
 * Tests on real servers wait for facts with a bound, and a neighbour on a shared machine can use the bound up. So a file of
 * `again` projects that failed runs once more, alone; what passes then is named as unsteady, what fails again has failed.
 */
const jest = (project: string, workers: number, again: 'once' | 'again') => async (): Promise<Counts> => {
  const first = await runJest(project, workers, []);
  if (first === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = first.filter(({ status }) => status === 'failed');
  if (failed.length === 0 || again === 'once') return sum(first.map(countFile));
  process.stdout.write(`\n${failed.length} files of ${project} failed and run once more, alone\n`);
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

const parts: Readonly<Record<string, () => Promise<Counts>>> = {
  types: check(bin('tsc'), '-p', '.'),
  lint: check(bin('eslint'), '.', '--max-warnings', '0'),
  format: check(bin('biome'), 'format', '.'),
  imports: check(
    bin('depcruise'),
    'libs',
    'services',
    'cli',
    'simulator',
    'local',
    'migrations',
    'tools',
    'test',
    '--config',
    '.dependency-cruiser.cjs',
  ),
  names: check('tools/check-names.ts'),
  generated: check('tools/generate.ts', '--check'),
  'dead code': check(bin('knip')),
  unit: jest('unit', 2, 'once'),
  integration: jest('integration', 2, 'again'),
  faults: jest('faults', 1, 'again'),
};

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  process.stderr.write(`npm test: no part called ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : Object.keys(parts);

const results: Counts[] = [];
for (const [index, name] of chosen.entries()) {
  process.stdout.write(`\n[${index + 1}/${chosen.length}] ${name}\n`);
  const startedMs = performance.now();
  const counts = (await parts[name]?.()) ?? { passed: 0, failed: 1, skipped: 0 };
  results.push(counts);
  process.stdout.write(
    `[${index + 1}/${chosen.length}] ${name}: ${counts.failed === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`,
  );
}
rmSync(scratch, { recursive: true, force: true });
const total = sum(results);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(total.failed === 0 ? 0 : 1);
