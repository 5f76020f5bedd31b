import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '#platform/log';
import { until, within } from '#platform/time';
import type { StateFolder } from './folders.ts';
import { LaunchFailure, StoppedWhileStarting } from './launch-failure.ts';
import { removePidFile, sendSignal, writePidFile } from './pid-files.ts';
import type { ProcessKind } from './pid-files.ts';

/** How to run one server: everything that differs between them. */
export interface ServerSpec {
  /** Names the log, the pid file and the messages. */
  readonly name: string;
  readonly kind: ProcessKind;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly ready: () => Promise<boolean>;
  readonly readyWithinMs: number;
  readonly stopSignal: NodeJS.Signals;
  /** After this it is killed. */
  readonly stopWithinMs: number;
  /** An early end whose log shows this is tried again until `readyWithinMs` are over. */
  readonly tryAgainOn?: RegExp;
}

/** A server that ended without being asked to. */
export interface Death {
  readonly name: string;
  /** What happened, and the last lines of its log. */
  readonly message: string;
}

export interface Server {
  readonly name: string;
  readonly logFile: string;
  /** The process that runs at present, or ran last. */
  pid(): number;
  isRunning(): boolean;
  /** Starts it and waits until it is ready; again after `stop` or `kill`. */
  start(): Promise<void>;
  /**
   * Stops it and starts it again. The new process is there at once, told by `--after` whose end
   * it waits for, so that it loads its code meanwhile: for programs that know the option.
   */
  replace(): Promise<void>;
  /** Asks it to end, and kills it when it does not in time. */
  stop(): Promise<void>;
  /** SIGKILL, and waits for the end. Asked for, so no death. */
  kill(): Promise<void>;
  /** SIGSTOP: the connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Called at every end that nobody asked for, once the server was ready. */
  onDeath(listener: (death: Death) => void): void;
}

export const LOG_TAIL_LINES = 15;
const KILLED_WITHIN_MS = 10_000;

/** Children of a launcher that ends without stopping them are asked to end with it. */
const running = new Map<ChildProcess, NodeJS.Signals>();
let hooked = false;
const endWithLauncher = (child: ChildProcess, signal: NodeJS.Signals): void => {
  running.set(child, signal);
  child.once('exit', () => running.delete(child));
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const [{ pid }, stopSignal] of running) if (pid !== undefined) sendSignal(pid, stopSignal);
  });
};

export const lastLines = (logFile: string, lines: number = LOG_TAIL_LINES): string => {
  if (!existsSync(logFile)) return '';
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
};

interface Run {
  readonly child: ChildProcess;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  over: boolean;
  /** The end was asked for. */
  asked: boolean;
}

/**
 * What every program needs of its surroundings: where programs, the home,
 * the time zone and the language are. Secrets of ours are not among it.
 */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TZ',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'JAVA_HOME',
  'LD_LIBRARY_PATH',
] as const;

/** The environment of a child process: nothing of this one's but what every program needs. */
export const childEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** What a server writes is its owner's alone. */
const PRIVATE_UMASK = 0o077;
const privately = <Value>(work: () => Value): Value => {
  const before = process.umask(PRIVATE_UMASK);
  try {
    return work();
  } finally {
    process.umask(before);
  }
};

/**
 * A process of its own session: Ctrl-C at the terminal reaches the launcher alone, which stops the servers in order.
 */
const run = (spec: ServerSpec, logFile: string): Run => {
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
  // A file and not a pipe: a server outlives a killed launcher without failing on its own output.
  const log = openSync(logFile, 'a', 0o600);
  const child = privately(() =>
    spawn(spec.command, spec.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...childEnvironment(), ...spec.env },
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...spec.user,
    }),
  );
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be run: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code ?? 0}` : `was ended by ${signal}`),
    );
  });
  const started: Run = { child, ended, over: false, asked: false };
  void ended.then(() => (started.over = true));
  return started;
};

/** Runs it so that it is found and ended even when this process is killed. */
const begin = (spec: ServerSpec, logFile: string, pids: string): Run => {
  const started = run(spec, logFile);
  const { pid } = started.child;
  if (pid !== undefined) {
    endWithLauncher(started.child, spec.stopSignal);
    writePidFile(pids, { name: spec.name, kind: spec.kind, pid, stopSignal: spec.stopSignal, stopping: false });
  }
  return started;
};

export const defineServer = (spec: ServerSpec, { logs, pids }: StateFolder): Server => {
  const logFile = join(logs, `${spec.name}.log`);
  let current: Run | undefined;
  const listeners: ((death: Death) => void)[] = [];
  const describe = (how: string): string => `${spec.name} ${how}. Last lines of ${logFile}:\n${lastLines(logFile)}`;
  const failure = (how: string): LaunchFailure => new LaunchFailure(codeOf('start', 'server'), describe(how));

  const launch = (more: readonly string[] = []): Run =>
    (current = begin({ ...spec, args: [...spec.args, ...more] }, logFile, pids));

  const end = async (target: Run, signal: NodeJS.Signals, withinMs: number): Promise<void> => {
    target.asked = true;
    const { pid } = target.child;
    if (pid !== undefined && !target.over) {
      sendSignal(pid, signal);
      sendSignal(pid, 'SIGCONT');
      if ((await within(withinMs, target.ended)) === undefined) {
        sendSignal(pid, 'SIGKILL');
        await within(KILLED_WITHIN_MS, target.ended);
      }
    }
    // Where another one follows it, the file is that one's.
    if (current === target) removePidFile(pids, spec.name);
  };

  const start = async (first = launch()): Promise<void> => {
    const deadline = performance.now() + spec.readyWithinMs;
    for (let started = first; ; started = launch()) {
      const ready = await until(deadline - performance.now(), async () => started.over || (await spec.ready()));
      if (started.asked) throw new StoppedWhileStarting(`${spec.name} was stopped while it started`);
      if (started.over) {
        const how = await started.ended;
        removePidFile(pids, spec.name);
        if (spec.tryAgainOn?.test(lastLines(logFile)) === true && performance.now() < deadline) continue;
        throw failure(`${how} before it was ready`);
      }
      if (!ready) {
        await end(started, 'SIGKILL', KILLED_WITHIN_MS);
        throw failure(`was not ready within ${spec.readyWithinMs / 1000} s`);
      }
      void started.ended.then((how) => {
        if (started.asked) return;
        removePidFile(pids, spec.name);
        for (const listener of listeners) listener({ name: spec.name, message: describe(how) });
      });
      return;
    }
  };

  const signal = (name: NodeJS.Signals): void => {
    if (current?.child.pid !== undefined && !current.over) sendSignal(current.child.pid, name);
  };

  return {
    name: spec.name,
    logFile,
    start: () => start(),
    replace: async () => {
      const former = current;
      if (former === undefined || former.over) return start();
      const next = launch(['--after', String(former.child.pid)]);
      // Until it has ended it would answer for the new one that it is ready.
      await end(former, spec.stopSignal, spec.stopWithinMs);
      await start(next);
    },
    onDeath: (listener) => void listeners.push(listener),
    pid: () => current?.child.pid ?? 0,
    isRunning: () => current !== undefined && !current.over,
    stop: async () => (current === undefined ? undefined : end(current, spec.stopSignal, spec.stopWithinMs)),
    kill: async () => (current === undefined ? undefined : end(current, 'SIGKILL', KILLED_WITHIN_MS)),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
  };
};
