import { allAlerts } from '../../tools/observability/all-rules.ts';
import { runbookProblems } from '../../tools/observability/runbook-problems.ts';
import type { Known } from '../../tools/observability/runbook-problems.ts';
import { runbooks } from '../../tools/observability/runbooks.ts';
import type { Runbook } from '../../tools/observability/runbooks.ts';

const [alert] = allAlerts.filter(({ name }) => name === 'DakiaParkedOld');
const [page] = runbooks().filter(({ name }) => name === 'DakiaParkedOld');
if (alert === undefined || page === undefined) throw new Error('DakiaParkedOld is gone');

const known: Known = { alerts: [alert], panels: new Set(page.panels), refusal: async () => undefined };
const withSection = (title: string, text: string): Runbook => ({
  ...page,
  sections: new Map([...page.sections, [title, text]]),
});

test('a page that says all it must, of things that are there, is in step', async () => {
  expect(await runbookProblems([page], known)).toEqual([]);
});

test.each<readonly [string, readonly Runbook[], Partial<Known>, string]>([
  ['an alert without a page', [], {}, 'docs/runbooks/DakiaParkedOld.md is missing'],
  ['a page without an alert', [page], { alerts: [] }, 'there is no such alert'],
  ['a panel that no dashboard has', [page], { panels: new Set() }, 'which no dashboard has'],
  [
    'a page that leaves out the panel of its alert',
    [{ ...page, panels: [] }],
    {},
    'does not name the panel of its alert',
  ],
  ['a command that is refused', [page], { refusal: async () => 'unknown option' }, 'is refused: unknown option'],
  ['a section too many', [withSection('Notes', 'see above')], {}, 'its sections are'],
  ['an empty section', [withSection('What to do', '')], {}, '"What to do" is empty'],
  ['a first look without a command', [withSection('First look', '**a: b**')], {}, '"First look" has no command'],
  ['a program that nobody has', [{ ...page, otherCommands: ['rm -rf /'] }], {}, 'calls none of'],
])('%s is found', async (_what, pages, over, problem) => {
  expect((await runbookProblems(pages, { ...known, ...over })).join('\n')).toContain(problem);
});
