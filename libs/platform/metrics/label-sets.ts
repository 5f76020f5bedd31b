import {
  eventNames,
  familyNames,
  notificationStatuses,
  QUARANTINE_SERVICE,
  quarantineReasons,
  serviceNames,
  topics,
} from '#catalogue';
import { dispositions, noteKinds } from '#rules';
import { namedBy, oneOf } from './declaration.ts';

/** How a delivery was answered. */
export const deliveryOutcomes = ['accepted', 'quarantined', 'refused', 'unavailable'] as const;
export type DeliveryOutcome = (typeof deliveryOutcomes)[number];

/** Why: ingest has exactly one answer for each. */
export const deliveryReasons = [
  'durable',
  'quarantined',
  'path-unknown',
  'endpoint-unknown',
  'method-not-allowed',
  'signature-missing',
  'signature-malformed',
  'signature-mismatch',
  'source-not-allowed',
  'source-refused-often',
  'too-large',
  'body-late',
  'body-in-pieces',
  'body-aborted',
  'draining',
  'requests-full',
  'bytes-full',
  'crowded-out',
  'queue-full',
  'stalled',
  'kafka-down',
  'overloaded',
  'not-durable',
] as const;
export type DeliveryReason = (typeof deliveryReasons)[number];

export const producerFailureKinds = [
  'missing-topic',
  'authentication',
  'authorization',
  'not-enough-replicas',
  'too-large',
  'timeout',
  'unreachable',
  'other',
] as const;
export type ProducerFailureKind = (typeof producerFailureKinds)[number];

/** The steps of a batch, in their order. Together they are nearly all of its duration; what is left is the commit. */
export const applyStages = ['decode', 'gather', 'lock', 'reduce', 'write'] as const;
export type ApplyStage = (typeof applyStages)[number];

export const queueStates = ['waiting', 'active', 'completed', 'failed', 'delayed', 'prioritized', 'paused'] as const;

/** Time that is left of a deadline. */
export const timesLeft = ['overdue', 'within-1d', 'within-3d', 'later'] as const;
export type TimeLeft = (typeof timesLeft)[number];

/** What the account of a topic adds up (libs/operate/accounting.ts). */
export const accountFigures = ['accepted', ...dispositions, 'skipped', 'lag'] as const;

export const endpoint = namedBy(
  '`default`, and the endpoints of RAZORPAY_WEBHOOK_ENDPOINTS_FILE; `none` for requests to no endpoint',
);
export const destination = namedBy('the destinations of the rule file');
export const partition = namedBy('a number from 0, below the partitions of a topic');
export const producerClient = namedBy(
  'the client id of one of our producers: `dakia-ingest`, `dakia-<service>-dead-letters`',
);
export const pool = namedBy('who uses the pool: a service, or a part of one that has its own');
export const topic = oneOf(topics, 'a consumed topic of the catalogue, without the prefix of the deployment');
export const group = oneOf<string>(
  [...serviceNames, QUARANTINE_SERVICE],
  'a domain service, which is its consumer group',
);
export const family = oneOf(familyNames, 'a family of the catalogue');
export const familyOrQuarantine = oneOf([...familyNames, 'quarantine'], 'a family of the catalogue, or `quarantine`');
export const eventOrQuarantined = oneOf(
  [...eventNames, 'quarantined'],
  'an [event](events.md) of the catalogue; `quarantined` for all others together',
);
export const queue = namedBy('`retry-<service>` and `notify-<destination>`');
export const disposition = oneOf(dispositions);
export const noteKind = oneOf(noteKinds);
export const quarantineReason = oneOf(quarantineReasons);
export const waitingStatus = oneOf(
  notificationStatuses.filter((status) => status !== 'delivered' && status !== 'cancelled'),
);
