import tls from 'node:tls';
import type { SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import kafkajs from 'kafkajs';
import type { Kafka, Mechanism, RetryOptions } from 'kafkajs';
import type { ConfigOf, Current, kafkaSettings } from '#platform/config';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { createThrottle } from '#platform/time';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { clientLog } from './client-log.ts';
import { kafkajsInternal, patchIdleTimer } from './kafkajs-patch.ts';
import { createKillableSockets } from './sockets.ts';
import type { KillableSockets } from './sockets.ts';

export type KafkaConfig = ConfigOf<typeof kafkaSettings>;

/**
 * What differs between the clients of one process. Every time is
 * given: kafkajs' own defaults take minutes to fail (B4, B5).
 */
export interface ClientOptions {
  /** Shown in the brokers' logs and quotas, for example `dakia-ingest`. */
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly retry: Required<Pick<RetryOptions, 'retries' | 'initialRetryTime' | 'maxRetryTime'>>;
  /**
   * Whether a login that was refused is tried again, as a broker that is away: kafkajs gives a consumer up for good
   * otherwise, and while a password is rotated the next login may be right.
   */
  readonly retriesLogin?: boolean;
}

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Sockets of this client; closing those of a silent broker makes kafkajs go to another one. */
  readonly sockets: KillableSockets;
}

/**
 * Longest time to reach a broker, TLS included, in ms. Brokers are
 * near; one that needs longer would miss every deadline.
 */
const CONNECT_TIMEOUT_MS = 1_000;
/** kafkajs' own timer comes after ours, which also closes the socket. */
const KAFKAJS_CONNECT_TIMEOUT_MS = CONNECT_TIMEOUT_MS + 250;
/** Longest time for one step of a SASL login, in ms. */
const LOGIN_TIMEOUT_MS = 2_000;
/** While files of TLS do not fit each other, that is said at most once in this time, in ms. */
const TOLD_EVERY_MS = 60_000;

/**
 * A kafkajs client with TLS and SASL from the settings, our log and
 * killable sockets. Throws what `kafkaIssues` reports.
 */
export const createKafka = (config: KafkaConfig, log: Logger, options: ClientOptions): KafkaClient => {
  patchIdleTimer();
  const issues = kafkaIssues(config);
  if (issues.length > 0) throw new Error(issues.join('; '));
  const sockets = createKillableSockets(CONNECT_TIMEOUT_MS, config.kafkaTls ? contextsOf(config, log) : undefined);
  const sasl = saslOf(config, options.retriesLogin ?? false);
  const kafka = new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...config.kafkaBrokers],
    ssl: config.kafkaTls,
    ...(sasl !== undefined && { sasl }),
    connectionTimeout: KAFKAJS_CONNECT_TIMEOUT_MS,
    authenticationTimeout: LOGIN_TIMEOUT_MS,
    requestTimeout: options.requestTimeoutMs,
    retry: options.retry,
    socketFactory: sockets.socketFactory,
    logLevel: log.isLevelEnabled('trace') ? kafkajs.logLevel.DEBUG : kafkajs.logLevel.WARN,
    logCreator: clientLog(log),
  });
  return { kafka, sockets };
};

/** What is wrong with the Kafka settings taken together, in words for a person; empty when they can be used. */
export const kafkaIssues = (config: KafkaConfig): readonly string[] => [...tlsIssues(config), ...saslIssues(config)];

const tlsIssues = (config: KafkaConfig): readonly string[] => {
  const { ca, cert, key } = pemsOf(config);
  if (!config.kafkaTls)
    return ca === undefined && cert === undefined && key === undefined
      ? []
      : [
          'KAFKA_TLS: is not true, but KAFKA_TLS_CA_FILE, KAFKA_TLS_CERT_FILE or KAFKA_TLS_KEY_FILE is ' +
            'set; set KAFKA_TLS=true',
        ];
  if ((cert === undefined) !== (key === undefined))
    return ['KAFKA_TLS_CERT_FILE: a client certificate needs KAFKA_TLS_KEY_FILE too, and the other way round'];
  const context = contextOf({ ca, cert, key });
  return context.ok ? [] : context.issues;
};

interface Pems {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}
const pemsOf = (config: KafkaConfig): Pems => ({
  ca: config.kafkaTlsCaFile(),
  cert: config.kafkaTlsCertFile(),
  key: config.kafkaTlsKeyFile(),
});

const contextOf = (pems: Pems): Parsed<SecureContext> => {
  try {
    return parsed(tls.createSecureContext({ ...pems }));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return unparsed(`KAFKA_TLS_CA_FILE, KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE: cannot be used together (${code})`);
  }
};

/**
 * TLS for one new connection, as the files are then. A certificate and a key that do not fit each other, because one of
 * them is not changed yet, leave those of before.
 */
const contextsOf = (config: KafkaConfig, log: Logger): Current<SecureContext> => {
  const throttle = createThrottle(TOLD_EVERY_MS);
  let known: { readonly pems: Pems; readonly context: SecureContext } | undefined;
  return () => {
    const pems = pemsOf(config);
    if (known !== undefined && isDeepStrictEqual(known.pems, pems)) return known.context;
    const made = contextOf(pems);
    if (made.ok) known = { pems, context: made.value };
    else if (throttle.admit() !== undefined)
      log.warn({ code: codeOf('config', 'file-unusable'), issues: made.issues }, 'the last good TLS files stay in use');
    return known?.context ?? tls.createSecureContext({ ...pems });
  };
};

const saslIssues = (config: KafkaConfig): readonly string[] => {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config;
  const given = [username(), password()].map((value) => value !== undefined);
  if (mechanism === 'none')
    return given.includes(true)
      ? [
          'KAFKA_SASL_MECHANISM: is none, but a SASL user or password is set; set it to plain, ' +
            'scram-sha-256 or scram-sha-512',
        ]
      : [];
  return given.includes(false)
    ? [`KAFKA_SASL_MECHANISM: ${mechanism} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD`]
    : [];
};

/** kafkajs' own logins, which keep the password that they are made with. */
const LOGINS = {
  plain: 'plain',
  'scram-sha-256': 'scram256',
  'scram-sha-512': 'scram512',
} as const;
type Login = (login: {
  readonly username: string | undefined;
  readonly password: string | undefined;
}) => Mechanism['authenticationProvider'];

/** Each login is made with the user and the password as they are then: their files may have changed. */
const saslOf = (config: KafkaConfig, retriable: boolean): Mechanism | undefined => {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config;
  if (mechanism === 'none') return undefined;
  const login = kafkajsInternal(`src/broker/saslAuthenticator/${LOGINS[mechanism]}.js`) as Login;
  const authenticationProvider: Mechanism['authenticationProvider'] = (given) => ({
    authenticate: async () => {
      try {
        await login({ username: username(), password: password() })(given).authenticate();
      } catch (error) {
        throw retriable ? Object.assign(error as Error, { retriable }) : error;
      }
    },
  });
  return { mechanism, authenticationProvider };
};
