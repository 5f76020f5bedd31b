import { goOnWithClosedPipe } from '#platform/log';
import type { Parsed } from '#rules';

/** Exit code of a command line that cannot be carried out as it was given. */
const EXIT_USAGE = 2;

/**
 * The whole of a small program: refuse wrong options with its usage,
 * print its help, or run it; the process ends with its exit code.
 */
export const runProgram = async <Options extends { readonly help: boolean }>(
  usage: string,
  options: Parsed<Options>,
  run: (options: Options) => Promise<number>,
): Promise<never> => {
  goOnWithClosedPipe();
  if (!options.ok) {
    process.stderr.write(`${options.issues.join('\n')}\n\n${usage}`);
    process.exit(EXIT_USAGE);
  }
  if (options.value.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  process.exit(await run(options.value));
};
