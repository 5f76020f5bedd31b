/**
 * Every error that an operator meets, under a code that never changes and can be
 * searched for: `DAKIA_<AREA>_<NAME>`. A code is retired with its error and never given
 * to another. docs/failures.md prints this table; `npm run generate` writes it there.
 */
interface Explained {
  readonly means: string;
  readonly remedy: string;
}

const NOTHING = 'Nothing: Razorpay sends it again. When it lasts, see the metrics of ingest.';
const REBASE = 'Find out what happened, then `npx dakia ledger rebase --reason`, first without `--yes`.';
const WAITS_FOR_RELEASE =
  'Read it: `npx dakia quarantine show --body`. Once a release understands it: `npx dakia quarantine replay`.';

export const codes = {
  DAKIA_INGEST_PATH_UNKNOWN: {
    means: 'A request to a path that receives no webhooks (404).',
    remedy: 'Correct the URL at the sender: /webhooks/razorpay.',
  },
  DAKIA_INGEST_ENDPOINT_UNKNOWN: {
    means: 'A delivery to an endpoint that is not configured (404).',
    remedy: 'Add it to the file of RAZORPAY_WEBHOOK_ENDPOINTS_FILE, or correct the URL in the Razorpay dashboard.',
  },
  DAKIA_INGEST_METHOD_NOT_ALLOWED: { means: 'Not a POST (405).', remedy: 'Correct the sender.' },
  DAKIA_INGEST_SIGNATURE_MISSING: {
    means: 'A delivery without X-Razorpay-Signature (401).',
    remedy: 'Nothing, unless it is Razorpay: then a proxy removes the header.',
  },
  DAKIA_INGEST_SIGNATURE_MALFORMED: {
    means: 'A signature that is not 64 lowercase hex digits (401).',
    remedy: 'As above; a proxy may change the header.',
  },
  DAKIA_INGEST_SIGNATURE_MISMATCH: {
    means: 'No active secret signs these bytes so (401).',
    remedy:
      'Compare the secrets of ingest and of the Razorpay dashboard; a proxy that changes bodies breaks signatures.',
  },
  DAKIA_INGEST_TOO_LARGE: {
    means: 'A body of more than DAKIA_BODY_BYTES_MAX (413).',
    remedy: 'Nothing, unless it is Razorpay: then raise the setting.',
  },
  DAKIA_INGEST_BODY_LATE: {
    means: 'A body that did not arrive in time (408).',
    remedy: 'Look at the network and at proxies in front of ingest.',
  },
  DAKIA_INGEST_BODY_IN_PIECES: {
    means: 'A body that comes in more and smaller pieces than any real one (400).',
    remedy: 'Nothing, unless it is Razorpay: then a proxy in front of ingest cuts bodies up; let it buffer them.',
  },
  DAKIA_INGEST_SOURCE_NOT_ALLOWED: {
    means: 'A delivery from an address that DAKIA_SOURCES_ALLOWED does not name (403).',
    remedy:
      'Compare the setting with the addresses that Razorpay publishes, and DAKIA_TRUSTED_PROXIES with your proxies.',
  },
  DAKIA_INGEST_SOURCE_REFUSED_OFTEN: {
    means: 'An address whose deliveries were refused too often within a minute (429).',
    remedy: 'Nothing, unless it is Razorpay or your own proxy: then see why it is refused (the secret, the path).',
  },
  DAKIA_INGEST_CROWDED_OUT: {
    means: 'A body that was slow to arrive while others needed its room (503).',
    remedy: NOTHING,
  },
  DAKIA_INGEST_BODY_ABORTED: { means: 'A body that ended early (400).', remedy: 'As above.' },
  DAKIA_INGEST_DRAINING: { means: 'This instance is stopping (503).', remedy: NOTHING },
  DAKIA_INGEST_REQUESTS_FULL: { means: 'Too many deliveries at once (503).', remedy: 'More instances of ingest.' },
  DAKIA_INGEST_BYTES_FULL: { means: 'Too many bytes of bodies at once (503).', remedy: 'More instances of ingest.' },
  DAKIA_INGEST_QUEUE_FULL: {
    means: 'Too many records wait for Kafka (503).',
    remedy: 'Look at the brokers: they take less than comes in.',
  },
  DAKIA_INGEST_STALLED: { means: 'The oldest record waits too long for Kafka (503).', remedy: 'As above.' },
  DAKIA_INGEST_KAFKA_DOWN: {
    means: 'Four batches in a row failed; one record a second is tried (503).',
    remedy: 'Look at the brokers, and for DAKIA_PRODUCER codes in the log.',
  },
  DAKIA_INGEST_OVERLOADED: { means: 'A record was not sent: a bound was reached (503).', remedy: NOTHING },
  DAKIA_INGEST_NOT_DURABLE: {
    means: 'Kafka did not confirm in time; the record may be stored (503).',
    remedy: `${NOTHING} The event id makes a second copy harmless.`,
  },
  DAKIA_INGEST_BROKE: {
    means: 'A delivery failed in our code (500).',
    remedy: 'Report it with the places in the log line. Razorpay sends the delivery again.',
  },
  DAKIA_INGEST_SECRETS_UNUSABLE: {
    means: 'A changed file of secrets cannot be used; the last good ones stay in use.',
    remedy: 'Correct the file; the log line names what is wrong. It is read again by itself.',
  },

  DAKIA_PRODUCER_MISSING_TOPIC: {
    means: 'A topic does not exist, or this user may not see it.',
    remedy: '`npx dakia topics apply`; check the ACLs.',
  },
  DAKIA_PRODUCER_AUTHENTICATION: {
    means: 'Kafka refuses the login.',
    remedy: 'Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.',
  },
  DAKIA_PRODUCER_AUTHORIZATION: {
    means: 'Kafka does not let this user write.',
    remedy: 'Give it WRITE and DESCRIBE on the topics.',
  },
  DAKIA_PRODUCER_NOT_ENOUGH_REPLICAS: {
    means: 'Fewer replicas are in sync than min.insync.replicas asks for.',
    remedy: 'Bring the missing brokers back.',
  },
  DAKIA_PRODUCER_TOO_LARGE: {
    means: 'A record is larger than its topic takes.',
    remedy: '`npx dakia topics apply`, which sets max.message.bytes.',
  },
  DAKIA_PRODUCER_TIMEOUT: { means: 'A broker does not answer in time.', remedy: 'Check the brokers.' },
  DAKIA_PRODUCER_UNREACHABLE: {
    means: 'No broker can be reached.',
    remedy: 'Check KAFKA_BROKERS, the network and the TLS settings.',
  },
  DAKIA_PRODUCER_OTHER: { means: 'Kafka did not take a batch.', remedy: 'Read the error beside the code.' },

  DAKIA_HALTED_OTHER_CLUSTER: {
    means: 'The ledger of a partition is of another Kafka cluster; its offsets mean other events.',
    remedy: `Check KAFKA_BROKERS. ${REBASE}`,
  },
  DAKIA_HALTED_OTHER_LOG: {
    means:
      'The record before the position is not the one that was applied: the topic was made anew, or Kafka was ' +
      'restored from an older copy.',
    remedy: REBASE,
  },
  DAKIA_HALTED_GAP: { means: 'Records left Kafka before they were applied.', remedy: REBASE },
  DAKIA_HALTED_PAST_END: { means: 'The log ends before the ledger: it was cut off or made anew.', remedy: REBASE },

  DAKIA_QUARANTINE_NOT_JSON: { means: 'An authentic body is not JSON.', remedy: WAITS_FOR_RELEASE },
  DAKIA_QUARANTINE_ODD_SHAPE: {
    means: 'It is no object with a text `event`.',
    remedy: WAITS_FOR_RELEASE,
  },
  DAKIA_QUARANTINE_UNKNOWN_EVENT: {
    means: 'The catalogue has no such event.',
    remedy: 'Add a row to the catalogue (docs/adding-an-event.md), then `npx dakia quarantine replay`.',
  },
  DAKIA_QUARANTINE_NO_SUBJECT: { means: 'The entity that the event is about is missing.', remedy: WAITS_FOR_RELEASE },
  DAKIA_QUARANTINE_NO_ENTITY_ID: { means: 'That entity has no usable id.', remedy: WAITS_FOR_RELEASE },
  DAKIA_QUARANTINE_UNDECODABLE: {
    means: 'A record that no envelope schema reads: it was not written by Dakia, or by a newer release.',
    remedy: 'Find out who writes to the topic. A newer release may read it from Kafka again.',
  },

  DAKIA_START_SETTINGS: {
    means: 'A service was not started: settings are wrong (exit code 78).',
    remedy: 'The lines below the code name each setting and what is expected.',
  },
  DAKIA_START_COMPONENT: {
    means: 'A part of a service did not start; the process ends.',
    remedy: 'Read the error beside the code: most often Kafka, Postgres or a port.',
  },
  DAKIA_START_REQUIREMENTS: {
    means: '`npm start` lacks something of this machine.',
    remedy: 'The message says what: most often Java and Maven, or the addresses of servers that run elsewhere.',
  },
  DAKIA_START_FILES: {
    means: 'Maven could not fetch the servers of `npm start`.',
    remedy: 'Look at its last lines below the message: most often the network or a proxy.',
  },
  DAKIA_START_FOLDER_IN_USE: {
    means: 'The state folder belongs to another start, or a process of one does not end.',
    remedy: 'Stop that one, or give another folder with --data-dir.',
  },
  DAKIA_START_PORT: {
    means: 'A port is taken, or none is free.',
    remedy: 'The message names port and setting: stop the other program, or set another port.',
  },
  DAKIA_START_SERVER: {
    means: 'A server of `npm start` did not start, or ended too often.',
    remedy: 'Look at the last lines of its log, which the message names.',
  },
  DAKIA_START_PREPARE: {
    means: 'The topics, the schema or the tables could not be made.',
    remedy: 'The message says what stands in the way.',
  },
  DAKIA_START_SERVICES: {
    means: 'A service did not start on the servers that are there.',
    remedy: 'Look at the last lines of its log below the message.',
  },
  DAKIA_CONFIG_FILE_UNUSABLE: {
    means: 'A file of a secret or certificate is empty, gone or not of use; the last good value stays in use.',
    remedy: 'Correct the file, which the line names. It is read again at the next connection.',
  },
  DAKIA_RUN_CANNOT_GO_ON: {
    means: 'A part of a service failed for good, such as a Kafka client that hangs; the process drains and ends.',
    remedy: 'It is to be started again. When it comes back, read the error beside the code.',
  },
  DAKIA_STOP_UNCLEAN: {
    means: 'A part of a service did not stop within DAKIA_DRAIN_MS.',
    remedy: 'Nothing is lost. When it comes back, give more time or read the error beside the code.',
  },

  DAKIA_TRACE_NOT_SENT: {
    means: 'The OpenTelemetry collector does not take traces; they are dropped, all else goes on.',
    remedy: 'Check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS, and the collector.',
  },

  DAKIA_APPLY_FAILS: {
    means: 'A partition does not get on: Postgres or Kafka refuses, or is away. It is tried again until it works.',
    remedy: 'Look at the server that the error beside the code names; `npx dakia status` says how long it has stood.',
  },
  DAKIA_APPLY_KEPT_AS_IS: {
    means: 'Postgres refused an event, and its queue too; the record is kept as it came and counted.',
    remedy: '`npx dakia quarantine list` shows it with its reason; report it with the error beside the code.',
  },

  DAKIA_RETRY_EVENT_DEAD: {
    means: 'An event was given up after its last attempt; what waited behind it flows on.',
    remedy: '`npx dakia dead list` shows why. Mend the cause, then `npx dakia dead retry`.',
  },
  DAKIA_RETRY_POSTGRES_AWAY: {
    means: 'A parked entity could not be tried, because Postgres is away or busy; the attempt does not count.',
    remedy: 'Look at Postgres; it goes on by itself.',
  },
  DAKIA_QUEUE_JOB_BROKE: {
    means: 'A job failed in our code; it comes again.',
    remedy: 'Report it with the error beside the code.',
  },

  DAKIA_NOTIFY_FAILED: {
    means: 'A notification was given up: refused by its receiver, or after its last attempt.',
    remedy: '`npx dakia notifications list --status failed` shows why; `npx dakia notifications retry` sends it again.',
  },
  DAKIA_NOTIFY_BROKE: {
    means: 'An attempt to notify failed in our code; it counts, and another follows.',
    remedy: 'Report it with the error beside the code; check the templates of the rule file.',
  },
  DAKIA_NOTIFY_FACT_UNUSABLE: {
    means: 'A fact could not be understood, so nobody is told of it.',
    remedy:
      'audit_logs keeps it as fact.unusable with the reason. Mostly an older release that reads ' +
      'what a newer one wrote.',
  },

  DAKIA_CLI_KAFKA: { means: 'Kafka does not answer the command, or refuses it.', remedy: 'Check KAFKA_BROKERS.' },
  DAKIA_CLI_POSTGRES: {
    means: 'Postgres does not answer the command, or refuses it.',
    remedy: 'Check DATABASE_URL.',
  },
  DAKIA_CLI_OLD_DATABASE: { means: 'The database is older than this release.', remedy: '`npx dakia migrate`.' },
  DAKIA_CLI_REGISTRY: { means: 'The schema registry does not answer.', remedy: 'Check SCHEMA_REGISTRY_URL.' },
  DAKIA_CLI_REDIS: { means: 'Redis does not answer the command.', remedy: 'Check REDIS_URL.' },
} as const satisfies Readonly<Record<`DAKIA_${string}`, Explained>>;

export type Code = keyof typeof codes;

/** `not-json` → `NOT_JSON`. */
type Upper<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Uppercase<Head>}_${Upper<Tail>}`
  : Uppercase<Text>;
type CodeText<Area extends string, Name extends string> = `DAKIA_${Uppercase<Area>}_${Upper<Name>}`;

/**
 * The code of a reason that the code knows by a name: `('halted',
 * 'gap')` → `DAKIA_HALTED_GAP`. Does not compile for one without a row.
 */
export const codeOf = <Area extends string, Name extends string>(
  area: Area,
  name: Name & ([CodeText<Area, Name>] extends [Code] ? unknown : never),
): Code => `DAKIA_${area}_${name}`.toUpperCase().replaceAll('-', '_') as Code;
