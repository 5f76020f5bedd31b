import type { Alert } from './rules.ts';
import { OTHER_PROGRAMS, SECTIONS } from './runbooks.ts';
import type { Runbook } from './runbooks.ts';

/** What the pages are compared with. */
export interface Known {
  readonly alerts: readonly Alert[];
  /** `dashboard: panel` of each. */
  readonly panels: ReadonlySet<string>;
  /** Undefined when `npx dakia` takes these arguments, else why not. */
  readonly refusal: (args: readonly string[]) => Promise<string | undefined>;
}

const shapeProblems = ({ title, name, sections, commands, queries, otherCommands }: Runbook): readonly string[] => {
  const found = [...sections.keys()];
  const first = sections.get('First look') ?? '';
  return [
    ...(title === name ? [] : [`its title is "${title}"`]),
    ...(found.join() === SECTIONS.join()
      ? []
      : [`its sections are ${found.join(', ')}; they must be ${SECTIONS.join(', ')}`]),
    ...[...sections].filter(([, text]) => text === '').map(([section]) => `"${section}" is empty`),
    ...(commands.length + queries.length + otherCommands.length > 0 && first.includes('```')
      ? []
      : ['"First look" has no command']),
    ...(first.includes('**') ? [] : ['"First look" names no panel']),
    ...otherCommands
      .filter((line) => !OTHER_PROGRAMS.includes(line.split(' ')[0] ?? ''))
      .map((line) => `"${line}" calls none of npx dakia, ${OTHER_PROGRAMS.join(', ')}`),
  ];
};

/** Whatever in alerts, pages, panels and commands does not fit together, each in a sentence with the page. */
export const runbookProblems = async (
  pages: readonly Runbook[],
  { alerts, panels, refusal }: Known,
): Promise<readonly string[]> => {
  const names = new Set(pages.map(({ name }) => name));
  const problems = alerts
    .filter(({ name }) => !names.has(name))
    .map(({ name }) => `docs/runbooks/${name}.md is missing: the alert links to it`);
  problems.push(
    ...alerts
      .map(({ name, panel }) => [name, `${panel.dashboard}: ${panel.title}`] as const)
      .filter(([, panel]) => !panels.has(panel))
      .map(([name, panel]) => `the alert ${name} names the panel "${panel}", which no dashboard has`),
  );
  for (const page of pages) {
    const own = alerts.filter(({ name }) => name === page.name);
    const say = (what: string): void => void problems.push(`docs/runbooks/${page.name}.md: ${what}`);
    if (own.length === 0) say('there is no such alert');
    shapeProblems(page).forEach(say);
    for (const { panel } of own)
      if (!page.panels.includes(`${panel.dashboard}: ${panel.title}`))
        say(`does not name the panel of its alert, "${panel.dashboard}: ${panel.title}"`);
    for (const panel of page.panels) if (!panels.has(panel)) say(`names the panel "${panel}", which no dashboard has`);
    for (const args of page.commands) {
      const why = await refusal(args);
      if (why !== undefined) say(`npx dakia ${args.join(' ')} is refused: ${why}`);
    }
  }
  return problems;
};
