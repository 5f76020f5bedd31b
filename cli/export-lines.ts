import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { inert } from './inert-json.ts';
import { jsonOf, messageOf, printJson, UsageError, warn } from './output.ts';

/** Rights of an exported file: bodies hold personal data. */
const PRIVATE = 0o600;
/** Between two reports of progress, in entries. */
const REPORT_EVERY = 10_000;

export interface ExportOptions {
  readonly output?: string;
  readonly json: boolean;
}

export const withOutput = (command: Command): Command =>
  command
    .option('--output <file>', 'a new file, readable by you alone; without it, to stdout')
    .option('--json', 'print one JSON object at the end; needs --output', false);

/** Writes one JSON object per line, body included, to a new file or to stdout; says on stderr how far it is. */
export const exportLines = async (
  batches: AsyncIterable<readonly { readonly rawBody: Buffer }[]>,
  { output, json }: ExportOptions,
): Promise<void> => {
  if (json && output === undefined)
    throw new UsageError(
      '--json needs --output: without it stdout has the exported lines, each a JSON object of its own.',
    );
  let count = 0;
  const lines = async function* (): AsyncGenerator<string> {
    for await (const entries of batches) {
      yield entries.map(({ rawBody, ...entry }) => `${inert(jsonOf({ ...entry, ...bodyOf(rawBody) }))}\n`).join('');
      count += entries.length;
      if (Math.floor(count / REPORT_EVERY) > Math.floor((count - entries.length) / REPORT_EVERY))
        warn(`${count} exported`);
    }
  };
  try {
    if (output === undefined) await pipeline(Readable.from(lines()), process.stdout, { end: false });
    else await pipeline(Readable.from(lines()), createWriteStream(output, { flags: 'wx', mode: PRIVATE }));
  } catch (error) {
    // A reader such as head that has seen enough.
    if (codeOf(error) === 'EPIPE' && output === undefined) return;
    if (codeOf(error) === 'EEXIST')
      throw new UsageError(`${output ?? ''} is there already; give the name of a new file.`);
    if (output !== undefined && codeOf(error) !== undefined)
      throw new UsageError(`${output} cannot be written: ${messageOf(error)}`);
    throw error;
  }
  if (json) printJson({ ok: true, exported: count, output });
  else warn(`${count} exported${output === undefined ? '' : ` to ${output}`}`);
};

/** The code of an error of the output; undefined for one of Postgres, or of the way there. */
const codeOf = (error: unknown): string | undefined => {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === 'open' || syscall === 'write' ? code : undefined;
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A body as an exported line has it: its exact text, or base64 where it is not UTF-8. */
export const bodyOf = (bytes: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } => {
  try {
    return { body: utf8.decode(bytes) };
  } catch {
    return { bodyBase64: Buffer.from(bytes).toString('base64') };
  }
};
