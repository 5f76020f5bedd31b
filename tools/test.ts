/**
 * `npm test`: everything that must hold before a change lands, in the order of how quickly it can fail. Ends with the line
 * `N passed, N failed, N skipped`, where each check counts as one and each test of jest as one. `npm test -- unit` runs one part.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const scratch = mkdtempSync(join(tmpdir(), 'dakia-test-'));

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const run = (command: string, args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: environment });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

const check = (...command: readonly [string, ...string[]]) => async (): Promise<Counts> => {
  const code = await run(process.execPath, command);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
};

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

const jest = (project: string, workers: number) => async (): Promise<Counts> => {
  const report = join(scratch, `${project}.json`);
  const code = await run(process.execPath, [
    '--disable-warning=TimeoutNegativeWarning',
    '--disable-warning=ExperimentalWarning',
    bin('jest'),
    '--selectProjects',
    project,
    '--maxWorkers',
    String(workers),
    '--json',
    '--outputFile',
    report,
  ]);
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
    const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
    return { passed: counts.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: counts.numPendingTests + counts.numTodoTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
};

const parts: Readonly<Record<string, () => Promise<Counts>>> = {
  types: check(bin('tsc'), '-p', '.'),
  lint: check(bin('eslint'), '.', '--max-warnings', '0'),
  imports: check(bin('depcruise'), 'libs', 'services', 'cli', 'deploy', 'tools', 'test', '--config', '.dependency-cruiser.cjs'),
  names: check('tools/check-names.ts'),
  generated: check('tools/generate.ts', '--check'),
  'dead code': check(bin('knip')),
  unit: jest('unit', 2),
  integration: jest('integration', 2),
  faults: jest('faults', 1),
};

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  process.stderr.write(`npm test: no part called ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : Object.keys(parts);

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const [index, name] of chosen.entries()) {
  process.stdout.write(`\n[${index + 1}/${chosen.length}] ${name}\n`);
  const startedMs = performance.now();
  const counts = (await parts[name]?.()) ?? { passed: 0, failed: 1, skipped: 0 };
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  process.stdout.write(`[${index + 1}/${chosen.length}] ${name}: ${counts.failed === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(total.failed === 0 ? 0 : 1);
