import { counter, gauge, oneOf } from '../declaration.ts';
import { accountFigures, family, partition, timesLeft, topic } from '../label-sets.ts';

/**
 * What the reporter of the service quarantine finds in Postgres and Kafka, for all groups: it is there while a consumer
 * is not. Each instance says the same, so take the `max` over them, never the sum.
 */
export const accountMetrics = {
  dakia_ledger_lag_records: gauge('Records of the log that the ledger does not have yet.', { topic, partition }),
  dakia_ledger_lag_seconds: gauge(
    'Age of the oldest of these records, at least; 0 when there is none. Exact to the pause between two looks.',
    { topic, partition },
  ),
  dakia_ledger_stalled_seconds: gauge(
    'Time since the ledger moved, while records wait; 0 when none do.',
    { topic, partition },
    { movesOnlyWhen: 'a partition with lag does not go on' },
  ),
  dakia_ledger_halted: gauge(
    'Partitions whose ledger an operator has to decide about: its consumer does not go on.',
    { topic },
    { movesOnlyWhen: 'the ledger and Kafka disagree' },
  ),
  dakia_account_records: gauge(
    'Records that Kafka took, by what became of them (npx dakia status). accepted is the sum of the others.',
    {
      topic,
      figure: oneOf(accountFigures),
    },
  ),
  dakia_account_difference: gauge(
    'Records that are not accounted for, and rows too many; one does not make up for the other: must be 0. npx ' +
      'dakia status --explain names them.',
    { topic },
    { movesOnlyWhen: 'an event or a row of the ledger is lost' },
  ),
  dakia_quarantine_open: gauge('Authentic deliveries kept aside that nobody has released.', {}),
  dakia_quarantine_oldest_seconds: gauge('Age of the oldest of them; 0 when there is none.', {}),
  dakia_deadlines_open: gauge('Entities that wait for the merchant by a deadline, by the time that is left.', {
    family,
    left: oneOf(timesLeft),
  }),
  dakia_reporter_looks_total: counter('Looks of the reporter, by whether Postgres and Kafka answered.', {
    result: oneOf(['done', 'failed']),
  }),
  dakia_reporter_last_look_timestamp_seconds: gauge(
    'When the reporter last had all answers, in seconds since 1970: what it shows is so old.',
    {},
  ),
} as const;
