import { counter, gauge, histogram, oneOf } from '../declaration.ts';
import {
  applyStages,
  disposition,
  family,
  familyOrQuarantine,
  group,
  noteKind,
  partition,
  topic,
} from '../label-sets.ts';

const haltReasons = ['other-cluster', 'other-log', 'gap', 'past-end'] as const;

/** Records in, rows out; what waits behind a failing event. Lag and stand-still as the consumer itself sees them. */
export const applyMetrics = {
  dakia_consumed_events_total: counter('Records whose outcome is final.', { topic }),
  dakia_batch_duration_seconds: histogram(
    'Time to apply one batch of a partition.',
    { topic, outcome: oneOf(['applied', 'moved', 'failed']) },
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),
  dakia_batch_records: histogram('Records per batch of a partition.', { topic }, [1, 2, 5, 10, 20, 50, 100, 200, 500]),
  dakia_batch_failures_total: counter(
    'Batches that failed and are tried again: the database is away, or a handler has a bug.',
    { topic },
    { movesOnlyWhen: 'Postgres is away, or a handler has a bug' },
  ),
  dakia_apply_stage_seconds: histogram(
    'Time of one step: decode of a batch; gather: a batch waits for its transaction; lock, reduce, write: ' +
      'steps of a transaction.',
    { stage: oneOf(applyStages) },
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  ),
  dakia_transaction_events: histogram(
    'Events per transaction, of all partitions that it took together.',
    { group },
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000],
  ),
  dakia_event_applied_seconds: histogram(
    'Time from the receipt of an event by ingest to the commit of what it changed, also when that was nothing. ' +
      'Events that were parked first are not in it.',
    { family: familyOrQuarantine },
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600],
    { traced: true },
  ),
  dakia_partition_lag: gauge('Records of the log that are not applied yet, as the owner of the partition sees it.', {
    topic,
    partition,
  }),
  dakia_partition_stalled_seconds: gauge(
    'Time since the last progress of a partition with lag, as its owner sees it; 0 when nothing waits.',
    { topic, partition },
    { movesOnlyWhen: 'a partition with lag does not go on' },
  ),
  dakia_partition_halted: gauge(
    '1 while a partition stands still until an operator decides.',
    { topic, partition, reason: oneOf(haltReasons) },
    { movesOnlyWhen: 'the ledger and Kafka disagree' },
  ),
  dakia_consumer_rebalances_total: counter('Times that the group gave this consumer its partitions.', { group }),
  dakia_consumer_assigned_partitions: gauge('Partitions that the group has given this consumer.', { group }),

  dakia_events_total: counter('Events by what became of them.', { family: familyOrQuarantine, disposition }),
  dakia_event_notes_total: counter(
    'Applied events that contradict something, show an unknown value, or have a field that cannot be read.',
    { family: familyOrQuarantine, kind: noteKind },
  ),
  dakia_event_conflicts_total: counter('Second bodies under an event id that was taken.', {
    family: familyOrQuarantine,
  }),
  dakia_parked_keys: gauge('Entities whose events wait behind a failing one.', { family }),
  dakia_parked_oldest_seconds: gauge('How long the entity that is parked the longest has been; 0 when there is none.', {
    family,
  }),
  dakia_dead_letters_total: counter('Events that were given up after their last attempt.', { family }),
  dakia_dead_letters_open: gauge('Dead letters that nobody has retried or discarded yet.', { family }),
  dakia_dead_letters_oldest_seconds: gauge('Age of the oldest of these dead letters; 0 when there is none.', {
    family,
  }),
} as const;
