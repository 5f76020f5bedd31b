/** What a table is for, and each of its columns. State tables have the words of their family's fields. */
export interface TableWords {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
}

const place = {
  kafka_topic: 'Topic that it came from.',
  kafka_partition: 'Partition of the topic.',
  kafka_offset: 'Offset in the partition.',
} as const;
const event = {
  razorpay_event_id: "Razorpay's id of the event, or sha256. and the hash of its body.",
  event_type: "The event's name; (none) where it has none.",
  family: 'Kind of entity that it is about; null when it is not understood.',
  entity_key: 'Id of the entity that it is about.',
} as const;
const received = {
  account_id: 'Account that the event came for, with acc_.',
  endpoint: 'Configured endpoint that received it.',
  received_at: 'When its first delivery was received.',
} as const;

/** Words of the columns that every state table has beside its fields. */
export const bookkeepingWords = {
  status: 'Where it stands; docs/states.md has the statuses.',
  merge_record: 'Which event each value came from. Used by the rules alone.',
  first_seen_at: 'When its first event was applied.',
  updated_at: 'When the row changed last.',
} as const;

export const sharedTables: Readonly<Record<string, TableWords>> = {
  schema_migrations: {
    table: 'Migrations that were applied.',
    columns: {
      number: 'Number of the file.',
      name: 'Name of the file.',
      checksum: 'Hash of the file as it was applied.',
      applied_at: 'When.',
    },
  },
  partition_ledger: {
    table: 'How far each partition of Kafka is applied, and what became of the records.',
    columns: {
      consumer_group: 'Service that applies it.',
      topic: 'Topic.',
      partition: 'Partition of the topic.',
      cluster_id: 'Kafka cluster that the offsets are of.',
      first_offset: 'Where it began.',
      next_offset: 'Next record to be applied.',
      applied: 'Records that changed their entity.',
      duplicate: 'Records whose event or body was known.',
      stale: 'Records that were older than what was known.',
      rejected: 'Records that a rule refused.',
      parked: 'Records that wait for their entity.',
      quarantined: 'Records that were not understood.',
      dead: 'Records that were given up.',
      sighted: 'Records that stand beside another event and were joined to their entity.',
      skipped: 'Records that an operator passed over.',
      retired: 'Rows of its records that were retired.',
      updated_at: 'When the row changed last.',
      moved_at: 'When the position moved last.',
      last_error: 'Why it does not move, as the consumer said last.',
      last_error_at: 'When it said so.',
      mark_event_id: 'Event id of the record before the position.',
      mark_appended_ms: 'When Kafka took that record, epoch milliseconds.',
      mark_leader_epoch: "That record's leader epoch.",
      past_end: 'End of the log when it lay before the position; an operator has to decide.',
    },
  },
  webhook_events: {
    table: 'Every event once, with the exact bytes that were signed. Personal data.',
    columns: {
      ...event,
      created_at: "The body's own time; for one without, when it was received.",
      processed: 'Whether its entity reflects it, or it was decided that it changes nothing.',
      verdict: 'applied, stale, rejected, sighted, parked, quarantined or dead.',
      reason: 'Why, where that says more.',
      ...received,
      processed_at: 'When it was processed.',
      ...place,
      payload: 'The body, as it was signed. Personal data.',
      body_key: "First 64 bits of the body's SHA-256, to find copies.",
      traceparent: 'W3C trace context of a parked event.',
      sighting: 'Key below payload of the snapshot that waits; null for an event.',
      erased_sha256: 'SHA-256 of a body that was erased.',
    },
  },
  event_conflicts: {
    table: 'Bodies that came under an event id which another body has.',
    columns: {
      ...event,
      razorpay_event_id: 'The id that it came under.',
      body_sha256: 'SHA-256 of the body.',
      ...received,
      recorded_at: 'When it was written down.',
      ...place,
      payload: 'The body, of an earlier release; now it is in webhook_events. Personal data.',
      kept_as: 'The id that it is applied under; null: kept by an earlier release and not applied.',
    },
  },
  audit_logs: {
    table: 'Why an entity is in its state: one row per event that was decided, and one per action of an operator.',
    columns: {
      ...event,
      id: 'Number of the row, growing.',
      at: 'When.',
      actor: 'consumer:, retry: or operator: and who.',
      action: 'event for what an event did; else what was done.',
      verdict: 'applied, stale or rejected.',
      from_status: "The entity's status before.",
      to_status: "The entity's status after.",
      reason: 'Why.',
    },
  },
  outbox: {
    table: 'Facts that became true, for the notifier.',
    columns: {
      id: 'Orders the facts of one entity; never given twice.',
      name: 'What became true.',
      dedupe_key: 'Makes a fact unique for ever.',
      family: 'Kind of entity.',
      entity_key: 'Id of the entity.',
      payload: 'Ids only: event, entity, endpoint.',
      created_at: 'When it became true here.',
      relayed_at: 'When it was turned into notifications.',
      traceparent: 'W3C trace context of what led to it.',
    },
  },
  parked_keys: {
    table: 'Entities whose oldest waiting event could not be applied; later ones queue behind it.',
    columns: {
      family: 'Kind of entity.',
      entity_key: 'Id of the entity.',
      consumer_group: 'Service that tries again.',
      reason: 'Why the failing event could not be applied.',
      failing_event_id: 'Event at the head of the queue.',
      parked_at: 'Since when.',
      attempts: 'Attempts of the failing event.',
      last_attempt_at: 'When it was tried last.',
      next_attempt_at: 'When it is tried again.',
      first_failed_at: 'When the failing event failed first.',
    },
  },
  dead_letters: {
    table: 'Events that were given up after all attempts, and what became of them.',
    columns: {
      ...event,
      created_at: "The body's own time.",
      consumer_group: 'Service that gave it up.',
      reason: 'Why the last attempt failed.',
      attempts: 'Attempts that were made.',
      first_failed_at: 'When it failed first.',
      dead_at: 'When it was given up.',
      ...place,
      published_at: 'When its topic of dead letters got its copy.',
      resolution: 'retried or discarded; null while somebody has to look at it.',
      resolved_at: 'When that was decided.',
      resolved_by: 'Who decided.',
      resolved_reason: 'Why.',
    },
  },
  notifications: {
    table: 'Who was told what: one row per fact and destination.',
    columns: {
      id: 'The same for the same fact and destination for ever.',
      fact_id: 'outbox.id of the fact.',
      kind: 'What it tells.',
      occurrence: 'Which of several facts of this kind.',
      family: 'Kind of entity.',
      entity_key: 'Id of the entity.',
      fact_at: 'When the fact became true here.',
      endpoint: 'Configured endpoint that received its event.',
      rule: 'Rule that asked for it.',
      destination: 'Who is told.',
      priority: '1 is told first.',
      reminder: 'Which reminder it is; null for what is told at once.',
      status: 'pending, retrying, delivered, failed or cancelled.',
      attempts: 'Attempts that were made.',
      next_attempt_at: 'When it is to be sent.',
      delivered_at: 'When it was taken.',
      response: 'What the receiver answered, shortened.',
      reason: 'Why it is retrying, failed or cancelled.',
      created_at: 'When it was planned.',
      updated_at: 'When the row changed last.',
      traceparent: 'W3C trace context of what led to it.',
    },
  },
};
