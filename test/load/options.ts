import { parseArgs } from 'node:util';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

export const parts = ['ingest', 'traces', 'apply', 'end-to-end', 'notify', 'hostile', 'scrape'] as const;
export type Part = (typeof parts)[number];

export interface BenchOptions {
  readonly parts: readonly Part[];
  /** How long each variant is measured, all its rounds together. */
  readonly seconds: number;
  readonly json: boolean;
  /** A commit whose code is measured beside this one in the same rounds. */
  readonly against?: string;
  /** Adds the result as a line to docs/performance.jsonl. */
  readonly save: boolean;
  readonly help: boolean;
}

const SECONDS_DEFAULT = 10;
const SECONDS_MAX = 300;

export const USAGE = `npm run bench [-- --only ingest|traces|apply|end-to-end|notify|hostile|scrape] [--seconds N] [--against COMMIT] [--save] [--json]

Measures speed as ratios within one run on this machine; docs/performance.md says what and how. Starts servers of its own on free
ports; KAFKA_BROKERS, DATABASE_URL, REDIS_URL and SCHEMA_REGISTRY_URL are used instead where they are set.
  --only PART    one part; may be given several times (default: all)
  --seconds N    how long each variant is measured, 1 to ${SECONDS_MAX} (default: ${SECONDS_DEFAULT}; all parts then take about 15 minutes)
  --against C    measures the code of commit C in the same rounds, with the packages that are installed here
  --save         adds the result to docs/performance.jsonl and renews docs/performance.md; refused while files are changed
  --json         end with one line of JSON
`;

/** Reads the arguments; an unknown one is an issue, not ignored. */
export const readOptions = (args: readonly string[]): Parsed<BenchOptions> => {
  const options = {
    only: { type: 'string', multiple: true },
    seconds: { type: 'string' },
    json: { type: 'boolean' },
    against: { type: 'string' },
    save: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    const unknown = (values.only ?? []).find((name) => !isPart(name));
    if (unknown !== undefined) return unparsed(`--only is ${JSON.stringify(unknown)}; give one of ${parts.join(', ')}`);
    const seconds = Number(values.seconds ?? SECONDS_DEFAULT);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > SECONDS_MAX)
      return unparsed(`--seconds is ${JSON.stringify(values.seconds)}; give a whole number from 1 to ${SECONDS_MAX}`);
    return parsed({
      parts: parts.filter((part) => values.only?.includes(part) ?? true),
      seconds,
      json: values.json === true,
      save: values.save === true,
      ...(values.against === undefined ? {} : { against: values.against }),
      help: values.help === true,
    });
  } catch (error) {
    return unparsed(error instanceof Error ? error.message : String(error));
  }
};

const isPart = (name: string): name is Part => (parts as readonly string[]).includes(name);
