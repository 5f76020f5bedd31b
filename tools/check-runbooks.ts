/**
 * Alerts, runbooks, panels and commands in step: each alert has its
 * page, each page what it must say, and all that it names is there.
 */
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { createProgram } from '../cli/program.ts';
import { allAlerts } from './observability/all-rules.ts';
import { dashboards } from './observability/dashboards/build.ts';
import { runbookProblems } from './observability/runbook-problems.ts';
import { PLACEHOLDER, runbooks } from './observability/runbooks.ts';

const allBelow = (command: Command): readonly Command[] =>
  command.commands.flatMap((child) => [child, ...allBelow(child)]);

/** What a placeholder may stand for, so that commander takes it. */
const EXAMPLES: Readonly<Record<string, string>> = { FAMILY: 'refunds', PARTITION: '0' };
const filled = (word: string): string => (PLACEHOLDER.test(word) ? (EXAMPLES[word] ?? 'x') : word);

/** Parses with the real program and runs nothing: the actions are taken out. */
const refusal = async (args: readonly string[]): Promise<string | undefined> => {
  const program = await createProgram(args);
  for (const command of allBelow(program)) {
    command.configureOutput({ writeErr: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
  }
  try {
    await program.parseAsync(args.map(filled), { from: 'user' });
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError) return error.message;
    throw error;
  }
};

const pages = runbooks();
const problems = await runbookProblems(pages, {
  alerts: allAlerts,
  panels: new Set(
    dashboards.flatMap(({ name, rows }) => rows.flatMap((row) => row.panels.map(({ title }) => `${name}: ${title}`))),
  ),
  refusal,
});
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`runbooks: ${pages.length} pages for ${allAlerts.length} alerts, ${problems.length} problems\n`);
process.exit(problems.length === 0 ? 0 : 1);
