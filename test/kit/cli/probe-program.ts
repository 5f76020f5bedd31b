import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { createProgram } from '../../../cli/program.ts';

export interface Answer {
  /** Commander's code, `none` when the command would have run. */
  readonly code: string;
  readonly printed: string;
}
export interface ProbedCommand {
  /** All words of it: `ledger show`. */
  readonly name: string;
  readonly options: readonly string[];
  readonly help: Answer;
  /** The command of the help's example, taken apart as a shell does, and what parsing it comes to; nothing is run. */
  readonly example: { readonly args: readonly string[]; readonly code: string };
  readonly unknownOption: Answer;
  readonly surplusArgument: Answer;
}

/** What must be given before commander looks at the rest. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  'ledger rebase': ['--group', 'g', '--topic', 't', '--partition', '0', '--to', 'end', '--reason', 'r'],
  'ledger recount': ['--group', 'g', '--topic', 't', '--partition', '0', '--reason', 'r'],
  erase: ['--entity', 'pay_1', '--reason', 'request'],
  rebuild: ['--family', 'payments', '--reason', 'r'],
  send: ['file'],
  trigger: ['event'],
  search: ['text'],
  show: ['id'],
  'notify check': ['file'],
  'notify test': ['destination'],
  'notifications resend': ['--to', 'destination'],
  'notifications backfill': ['--to', 'destination', '--since', '2026-11-01'],
  'parked discard': ['--reason', 'r'],
  'dead discard': ['--reason', 'r'],
  'parked show': ['--key', 'k'],
  'quarantine show': ['--event-id', 'e'],
};

const leavesOf = (command: Command, words: readonly string[]): readonly (readonly [string, Command])[] =>
  command.commands.length === 0
    ? [[words.join(' '), command]]
    : command.commands.flatMap((child) => leavesOf(child, [...words, child.name()]));
const allBelow = (command: Command): readonly Command[] =>
  command.commands.flatMap((child) => [child, ...allBelow(child)]);

const answer = async (args: readonly string[]): Promise<Answer> => {
  const program = await createProgram(args);
  let printed = '';
  for (const command of [program, ...allBelow(program)])
    command.configureOutput({ writeOut: (text) => (printed += text), writeErr: (text) => (printed += text) });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return { code: 'none', printed };
  } catch (error) {
    return { code: error instanceof CommanderError ? error.code : 'none', printed };
  }
};

/** Words of the line that follows `Example:`, without `npx dakia`; a backslash carries it on. */
const exampleIn = (help: string): readonly string[] => {
  const [, line = ''] = /Example:\n {2}npx dakia (.+)/.exec(help.replaceAll('\\\n', '')) ?? [];
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
};

/** Parses and runs nothing: actions are taken out, and environment settings do not count. */
const parse = async (args: readonly string[]): Promise<string> => {
  const program = await createProgram(args);
  for (const command of allBelow(program))
    if (command.commands.length === 0) command.action(() => undefined).configureOutput({ writeErr: () => undefined });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 'none';
  } catch (error) {
    return error instanceof CommanderError ? error.code : String(error);
  }
};

/** What every command answers to --help, an unknown option and a surplus argument; none is carried out. */
export const probeCommands = async (): Promise<readonly ProbedCommand[]> => {
  const probed: ProbedCommand[] = [];
  for (const [name, command] of leavesOf(await createProgram(), [])) {
    const words = name.split(' ');
    const help = await answer([...words, '--help']);
    const example = exampleIn(help.printed);
    const complete = [...words, ...(REQUIRED[name] ?? [])];
    probed.push({
      name,
      options: command.options.map(({ long }) => long ?? ''),
      help,
      example: { args: example, code: await parse(example) },
      unknownOption: await answer([...complete, '--no-such-option']),
      surplusArgument: await answer([...complete, 'surplus']),
    });
  }
  return probed;
};
