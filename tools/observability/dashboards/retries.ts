import { FAMILY, lines, of, perSecond } from './panels.ts';
import type { Dashboard } from './panels.ts';

export const retries: Dashboard = {
  name: 'retries',
  title: 'Dakia / Retries and dead letters',
  says: 'Events that are kept and wait: for another event, for a fix, for a decision. None of them is lost.',
  rows: [
    {
      title: 'Parked',
      panels: [
        lines('Parked entities', 'short', 'Entities whose events wait behind one that fails.', [
          { expr: `max by (family) (${of('dakia_parked_keys', FAMILY)})`, legend: '{{family}}' },
        ]),
        lines('Age of the oldest parked entity', 's', 'How long somebody has had an old state.', [
          { expr: `max by (family) (${of('dakia_parked_oldest_seconds', FAMILY)})`, legend: '{{family}}' },
        ]),
        lines(
          'Retries by outcome',
          'ops',
          'Attempts at parked entities.',
          [
            {
              expr: `sum by (queue, outcome) (${perSecond('dakia_jobs_total', 'queue=~"retry-.*"')})`,
              legend: '{{queue}} {{outcome}}',
            },
          ],
          { onlyIn: 'an event cannot be applied' },
        ),
      ],
    },
    {
      title: 'Dead letters',
      panels: [
        lines('Dead letters', 'short', 'Given up after all attempts; each waits for a decision.', [
          { expr: `max by (family) (${of('dakia_dead_letters_open', FAMILY)})`, legend: '{{family}}' },
        ]),
        lines('Age of the oldest dead letter', 's', 'How long nobody has decided.', [
          { expr: `max by (family) (${of('dakia_dead_letters_oldest_seconds', FAMILY)})`, legend: '{{family}}' },
        ]),
        lines('Given up', 'short', 'Within 15 minutes.', [
          { expr: `sum by (family) (increase(${of('dakia_dead_letters_total', FAMILY)}[15m]))`, legend: '{{family}}' },
        ]),
      ],
    },
    {
      title: 'Quarantine',
      panels: [
        lines(
          'Quarantined',
          'ops',
          'Authentic deliveries that the catalogue does not understand: a new event, or a new shape.',
          [{ expr: `sum by (reason) (${perSecond('dakia_ingest_quarantined_total')})`, legend: '{{reason}}' }],
        ),
        lines('In quarantine', 'short', 'Deliveries that nobody has released.', [
          { expr: `max(${of('dakia_quarantine_open')})`, legend: 'deliveries' },
        ]),
        lines('Age of the oldest in quarantine', 's', 'How long nobody has looked.', [
          { expr: `max(${of('dakia_quarantine_oldest_seconds')})`, legend: 'age' },
        ]),
      ],
    },
  ],
};
