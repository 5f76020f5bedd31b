import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { repositoryRoot } from './folders.ts';

/** What `npm start -- …` and `npm run stack -- …` were asked for. */
export interface LaunchOptions {
  readonly dataDir: string;
  /** Of the webhook; absent: as set in the environment, else its default. */
  readonly webhookPort: number | undefined;
  readonly separate: boolean;
  readonly watch: boolean;
  readonly help: boolean;
}

const HIGHEST_PORT = 65_535;

/** Reads the arguments; an unknown one is an issue, not ignored. */
export const readOptions = (args: readonly string[]): Parsed<LaunchOptions> => {
  const options = {
    'data-dir': { type: 'string' },
    port: { type: 'string' },
    separate: { type: 'boolean' },
    watch: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    if (values.separate === true && values.watch === true) return unparsed('give --separate or --watch, not both');
    const port = values.port === undefined ? undefined : Number(values.port);
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= HIGHEST_PORT)) {
      return unparsed(`--port is ${JSON.stringify(values.port)}; give a whole number from 0 to ${HIGHEST_PORT}`);
    }
    return parsed({
      dataDir: values['data-dir'] === undefined ? join(repositoryRoot, '.dakia') : resolve(values['data-dir']),
      webhookPort: port,
      separate: values.separate === true,
      watch: values.watch === true,
      help: values.help === true,
    });
  } catch (error) {
    return unparsed(error instanceof Error ? error.message : String(error));
  }
};
