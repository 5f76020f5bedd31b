import { performance } from 'node:perf_hooks';
import type { Reply, Usage } from './child.ts';

/** What a measured program can be asked. Every program also answers `usage`. */
export type Questions = Readonly<Record<string, (argument: unknown) => unknown>> & { readonly stop: () => unknown };

const usage = (): Usage => {
  const { user, system } = process.cpuUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return { cpuMicros: user + system, loopMs: active + idle, busyMs: active };
};

/** Answers the process that started this one (child.ts), and ends with it, however that ends. */
export const answerParent = (questions: Questions): void => {
  const reply = (message: Reply): void => void process.send?.(message);
  process.on(
    'message',
    ({ id, question, argument }: { readonly id: number; readonly question: string; readonly argument: unknown }) => {
      const work = question === 'usage' ? usage : questions[question];
      void Promise.resolve()
        .then(() =>
          work === undefined ? Promise.reject(new Error(`nothing is known of ${question}`)) : work(argument),
        )
        .then(
          (answer) => reply({ id, answer }),
          (error: unknown) =>
            reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
        )
        .then(() => (question === 'stop' ? process.exit(0) : undefined));
    },
  );
  process.on('disconnect', () => process.exit(1));
  // At a terminal Ctrl-C reaches this process too; the parent decides when it ends.
  process.on('SIGINT', () => undefined);
};
