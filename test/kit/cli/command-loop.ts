/**
 * Carries out command lines, each a line of JSON on stdin with its arguments and settings, and answers each with a line
 * of JSON: how it ended and what it printed. A process of its own because a command has environment, stdout and exit
 * code of its process for itself; one for many commands because starting one takes longer than most commands.
 */
import { createInterface } from 'node:readline';
import { run } from '../../../cli/run.ts';

export interface CommandLine {
  readonly args: readonly string[];
  /** The environment but for what this process was started with. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Takes what is written to a stream until it is released. */
const capture = (stream: NodeJS.WriteStream): (() => string) => {
  const write = stream.write.bind(stream);
  let text = '';
  stream.write = (chunk: Uint8Array | string, encoding?: unknown, callback?: unknown): boolean => {
    text += String(chunk);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  return () => {
    stream.write = write;
    return text;
  };
};

const startedWith = { ...process.env };
for await (const line of createInterface({ input: process.stdin })) {
  const { args, settings } = JSON.parse(line) as CommandLine;
  process.env = { ...startedWith, ...settings };
  const [releaseOut, releaseErr] = [capture(process.stdout), capture(process.stderr)];
  process.exitCode = 0;
  await run(args);
  const ended: Ended = { code: Number(process.exitCode), stdout: releaseOut(), stderr: releaseErr() };
  process.stdout.write(`${JSON.stringify(ended)}\n`);
}
process.exitCode = 0;
