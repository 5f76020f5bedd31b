import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from './private-files.ts';
import { codeOf } from '#platform/log';
import { until } from '#platform/time';
import { LaunchFailure } from './launch-failure.ts';
import { identityOf } from './process-identity.ts';
import type { Report } from './progress.ts';

/** `launcher` is npm start itself; services stop before the servers they work on. */
export type ProcessKind = 'launcher' | 'service' | 'server';

/** What is kept of a running process, so that a later start can tell it from a stranger with the same pid. */
export interface ProcessRecord {
  readonly name: string;
  readonly kind: ProcessKind;
  readonly pid: number;
  readonly identity: string;
  readonly stopSignal: NodeJS.Signals;
  /** The launcher is on its way out. */
  readonly stopping: boolean;
}

const RECORD_SUFFIX = '.json';

/** `<name>.pid` holds the pid alone, for people and scripts; `<name>.json` beside it holds the rest. */
export const writePidFile = (folder: string, record: Omit<ProcessRecord, 'identity'>): void => {
  const identity = identityOf(record.pid);
  if (identity === undefined) return;
  const path = join(folder, record.name + RECORD_SUFFIX);
  // Renamed into place, record first: whoever sees a pid file can rely on its record.
  writePrivate(`${path}.new`, `${JSON.stringify({ ...record, identity })}\n`);
  renameSync(`${path}.new`, path);
  writePrivate(join(folder, `${record.name}.pid`), `${record.pid}\n`);
};

export const removePidFile = (folder: string, name: string): void => {
  rmSync(join(folder, `${name}.pid`), { force: true });
  rmSync(join(folder, name + RECORD_SUFFIX), { force: true });
};

const readRecord = (path: string): ProcessRecord | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord;
  } catch {
    return undefined;
  }
};

const readRecords = (folder: string): readonly ProcessRecord[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(RECORD_SUFFIX))
    .flatMap((file) => readRecord(join(folder, file)) ?? []);

const isRunning = (record: ProcessRecord): boolean => identityOf(record.pid) === record.identity;

export const sendSignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended in the meantime, which is all that was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const LAUNCHER = 'launcher';
/** A launcher whose terminal was killed notices it within this time and begins to stop. */
const NOTICE_MS = 3_000;
/** Longest that a launcher on its way out is waited for; a drain takes 20 s by default, the servers a few more. */
const STOPPED_WITHIN_MS = 60_000;
const REAP_MS = 10_000;

/**
 * Makes this process the only launcher of a state folder: waits for one that is
 * stopping, refuses beside one that runs, and ends what a killed one left behind.
 */
export const claim = async (folder: string, root: string, report: Report): Promise<void> => {
  const path = join(folder, LAUNCHER + RECORD_SUFFIX);
  const other = readRecord(path);
  if (other !== undefined && other.pid !== process.pid && isRunning(other)) {
    const isGone = () => !isRunning(other);
    const isStopping = () => readRecord(path)?.stopping === true;
    await until(NOTICE_MS, () => isGone() || isStopping());
    if (!isGone() && isStopping()) {
      report('waiting', `for process ${other.pid}, which is stopping`);
      await until(STOPPED_WITHIN_MS, isGone);
    }
    if (!isGone()) {
      throw new LaunchFailure(
        codeOf('start', 'folder-in-use'),
        `${root} is in use by another start of Dakia (process ${other.pid}). Stop that one, or give another ` +
          'folder with --data-dir.',
      );
    }
  }
  removePidFile(folder, LAUNCHER);
  await reap(folder, report);
  markLauncher(folder, false);
};

export const markLauncher = (folder: string, stopping: boolean): void =>
  writePidFile(folder, { name: LAUNCHER, kind: 'launcher', pid: process.pid, stopSignal: 'SIGTERM', stopping });

/** Whether a launcher holds this folder at present. */
export const launcherRuns = (folder: string): boolean => {
  const record = readRecord(join(folder, LAUNCHER + RECORD_SUFFIX));
  return record !== undefined && isRunning(record);
};

export const releaseClaim = (folder: string): void => removePidFile(folder, LAUNCHER);

/** Ends what an earlier launcher left running: services first, each asked first and then made to. */
export const reap = async (folder: string, report: Report): Promise<void> => {
  const left = readRecords(folder);
  for (const kind of ['service', 'server'] as const) {
    await Promise.all(left.filter((record) => record.kind === kind).map((record) => reapOne(folder, record, report)));
  }
};

const reapOne = async (folder: string, record: ProcessRecord, report: Report): Promise<void> => {
  if (isRunning(record)) {
    report(record.name, `left by an earlier start (process ${record.pid}): stopping it`);
    sendSignal(record.pid, record.stopSignal);
    sendSignal(record.pid, 'SIGCONT');
    if (!(await until(REAP_MS, () => !isRunning(record)))) {
      sendSignal(record.pid, 'SIGKILL');
      if (!(await until(REAP_MS, () => !isRunning(record)))) {
        throw new LaunchFailure(
          codeOf('start', 'folder-in-use'),
          `${record.name} (process ${record.pid}) was left by an earlier start and does not end. End it by ` +
            'hand, then start again.',
        );
      }
    }
  }
  removePidFile(folder, record.name);
};
