import type { ProducerFailureKind } from '#platform/metrics';

/** What a person can do about each kind of failure. */
const advice = {
  'missing-topic':
    'a topic does not exist, or this user may not see it: run `npx dakia topics apply`, and check its ACLs',
  authentication: 'Kafka refuses the login: check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
  authorization: 'Kafka does not let this user write: give it WRITE and DESCRIBE on the topics',
  'not-enough-replicas': 'fewer replicas are in sync than min.insync.replicas asks for: check the brokers',
  'too-large': 'a record is larger than its topic takes: run `npx dakia topics apply`, which sets max.message.bytes',
  timeout: 'a broker does not answer in time: check the brokers',
  unreachable: 'no broker can be reached: check KAFKA_BROKERS, the network and the TLS settings',
  other: 'Kafka did not take a batch',
} as const satisfies Record<ProducerFailureKind, string>;

export type FailureKind = ProducerFailureKind;
export const failureKinds = Object.keys(advice) as readonly FailureKind[];
export const adviceFor = (kind: FailureKind): string => advice[kind];

const byType: Readonly<Record<string, FailureKind>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'missing-topic',
  SASL_AUTHENTICATION_FAILED: 'authentication',
  ILLEGAL_SASL_STATE: 'authentication',
  UNSUPPORTED_SASL_MECHANISM: 'authentication',
  TOPIC_AUTHORIZATION_FAILED: 'authorization',
  CLUSTER_AUTHORIZATION_FAILED: 'authorization',
  NOT_ENOUGH_REPLICAS: 'not-enough-replicas',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'not-enough-replicas',
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  REQUEST_TIMED_OUT: 'timeout',
};
const byName: Readonly<Record<string, FailureKind>> = {
  KafkaJSSASLAuthenticationError: 'authentication',
  KafkaJSRequestTimeoutError: 'timeout',
  KafkaJSConnectionError: 'unreachable',
  KafkaJSConnectionClosedError: 'unreachable',
  KafkaJSBrokerNotFound: 'unreachable',
};
/** Causes followed at most; kafkajs nests two or three. */
const CAUSES_MAX = 8;

/**
 * What went wrong: the useful error of kafkajs is often the cause of the cause. The innermost one that is known counts.
 */
export const failureKindOf = (error: unknown): FailureKind => {
  let kind: FailureKind = 'other';
  let here: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && here instanceof Error; depth++) {
    const type = 'type' in here && typeof here.type === 'string' ? here.type : '';
    kind = byType[type] ?? byName[here.name] ?? kind;
    here = here.cause;
  }
  return kind;
};
