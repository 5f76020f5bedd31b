import { processEnvironment } from '#platform/config';
import { codeOf } from '#platform/log';
import { within } from '#platform/time';
import { withoutOwnAddresses } from './addresses.ts';
import { LaunchFailure, StoppedWhileStarting } from './launch-failure.ts';
import type { PortNeed } from './ports.ts';
import { reportToStdout, secondsSince } from './progress.ts';
import { chooseServers, machine } from './requirements.cjs';
import { startServers } from './start-servers.ts';
import type { RunningServers } from './start-servers.ts';
import { listenForStop } from './stop-request.ts';

/** What runs on the servers: the services, or nothing. */
export interface Work {
  /** Settles with what happened when it cannot go on. */
  readonly failed: Promise<string>;
  /** Drains; false when something did not stop cleanly. */
  stop(): Promise<boolean>;
  kill(): Promise<void>;
}

export interface Launch {
  readonly dataDir: string;
  readonly portNeeds: readonly PortNeed[];
  /** Called when the servers are ready; the signal is aborted at the first request to stop. */
  readonly work: (servers: RunningServers, signal: AbortSignal) => Promise<Work>;
}

const EXIT_FAILED = 1;
/** As a shell reports a process that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;
const KILL_WITHIN_MS = 5_000;

/**
 * Starts the servers and the work on them, waits for a stop or a
 * failure, stops all of it in reverse order. Answers the exit code.
 */
export const launch = async ({ dataDir, portNeeds, work: startWork }: Launch): Promise<number> => {
  const stop = listenForStop();
  let servers: RunningServers | undefined;
  let work: Work | undefined;
  // A terminal that was closed must not keep the servers from being stopped.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  let exitCode = 0;
  void stop.insisted.then(async () => {
    exitCode = EXIT_INTERRUPTED;
    reportToStdout('stopping', 'at once');
    await within(KILL_WITHIN_MS, Promise.all([work?.kill(), servers?.kill()]));
    process.exit(EXIT_INTERRUPTED);
  });
  // Said at once, also in the middle of a start, so that the next start waits instead of refusing.
  void stop.requested.then((reason) => {
    reportToStdout('stopping', `(${reason}) what is in flight is finished first; ask once more to stop at once`);
    servers?.announceStop();
  });

  try {
    const environment = withoutOwnAddresses(processEnvironment(), dataDir);
    const choice = chooseServers(environment, machine(environment));
    if ('missing' in choice) throw new LaunchFailure(codeOf('start', 'requirements'), choice.missing);
    servers = await startServers({
      dataDir,
      environment,
      portNeeds,
      report: reportToStdout,
      signal: stop.signal,
      ...(choice.servers === 'given' ? {} : { source: choice.servers }),
    });
    if (!stop.signal.aborted) {
      const died = servers.died.then(({ message }) => message);
      work = await Promise.race([
        startWork(servers, stop.signal),
        died.then((message) => Promise.reject(new LaunchFailure(codeOf('start', 'server'), message))),
      ]);
      const failure = await Promise.race([stop.requested.then(() => undefined), died, work.failed]);
      if (failure !== undefined) throw new LaunchFailure(codeOf('run', 'cannot-go-on'), failure);
    }
  } catch (error) {
    if (!(error instanceof StoppedWhileStarting)) {
      exitCode = EXIT_FAILED;
      process.stderr.write(`\n${error instanceof LaunchFailure ? saying(error) : describe(error)}\n\n`);
    }
  }
  const stopping = performance.now();
  servers?.announceStop();
  if (work !== undefined && !(await work.stop())) exitCode = Math.max(exitCode, EXIT_FAILED);
  await servers?.stop();
  reportToStdout('stopped', `(${secondsSince(stopping)})`);
  return exitCode;
};

/** The code stands in docs/failures.md, with what to do. */
const saying = ({ message, code }: LaunchFailure): string => `${message}\n(${code})`;
const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
