import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

/** A day, or a time with its offset: one without would be another one in every time zone. */
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/** Reads an option that names a time: `2026-11-28T10:00:00+05:30`, or `2026-11-28` for its midnight in UTC. */
export const moment = (text: string): Date => {
  const time = new Date(text);
  if (ISO.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(
    'Give a time with Z or its offset, such as 2026-11-28T10:00:00+05:30, or a day such as 2026-11-28, which ' +
      'begins at midnight UTC.',
  );
};

/** A destination, and the part of what there is for it that lies between two times. `what` is in the words of the help. */
export const withDestinationAndTimes = (command: Command, what: string, since: 'required' | 'optional'): Command =>
  command
    .requiredOption('--to <destination>', 'who is told; a name of the rule file')
    .addOption(
      new Option('--since <time>', `only ${what} from then on: a time with its offset, or a day`)
        .argParser(moment)
        .makeOptionMandatory(since === 'required'),
    )
    .option('--until <time>', `only ${what} before then`, moment);
