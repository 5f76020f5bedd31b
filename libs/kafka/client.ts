import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import kafkajs from 'kafkajs';
import type { Kafka, RetryOptions, SASLOptions } from 'kafkajs';
import type { ConfigOf, kafkaSettings } from '#platform/config';
import type { Logger } from '#platform/log';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { clientLog } from './client-log.ts';
import { patchIdleTimer } from './kafkajs-patch.ts';
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

/**
 * A kafkajs client with TLS and SASL from the settings, our log and
 * killable sockets. Throws what `kafkaIssues` reports.
 */
export const createKafka = (config: KafkaConfig, log: Logger, options: ClientOptions): KafkaClient => {
  patchIdleTimer();
  const ssl = tlsOf(config);
  const sasl = saslOf(config);
  if (!ssl.ok || !sasl.ok) throw new Error(kafkaIssues(config).join('; '));
  const sockets = createKillableSockets(CONNECT_TIMEOUT_MS);
  const kafka = new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...config.kafkaBrokers],
    ...(ssl.value === null ? {} : { ssl: ssl.value }),
    ...(sasl.value === null ? {} : { sasl: sasl.value }),
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
export const kafkaIssues = (config: KafkaConfig): readonly string[] =>
  [tlsOf(config), saslOf(config)].flatMap((part) => (part.ok ? [] : part.issues));

const tlsOf = (config: KafkaConfig): Parsed<ConnectionOptions | null> => {
  const files = [config.kafkaTlsCaFile, config.kafkaTlsCertFile, config.kafkaTlsKeyFile];
  if (!config.kafkaTls)
    return files.every((file) => file === undefined)
      ? parsed(null)
      : unparsed(
          'KAFKA_TLS: is not true, but KAFKA_TLS_CA_FILE, KAFKA_TLS_CERT_FILE or KAFKA_TLS_KEY_FILE is ' +
            'set; set KAFKA_TLS=true',
        );
  if ((config.kafkaTlsCertFile === undefined) !== (config.kafkaTlsKeyFile === undefined))
    return unparsed('KAFKA_TLS_CERT_FILE: a client certificate needs KAFKA_TLS_KEY_FILE too, and the other way round');
  const ca = pemOf('KAFKA_TLS_CA_FILE', config.kafkaTlsCaFile);
  const cert = pemOf('KAFKA_TLS_CERT_FILE', config.kafkaTlsCertFile);
  const key = pemOf('KAFKA_TLS_KEY_FILE', config.kafkaTlsKeyFile);
  if (!ca.ok || !cert.ok || !key.ok) return unparsed(...[ca, cert, key].flatMap((pem) => (pem.ok ? [] : pem.issues)));
  return parsed({
    ...(ca.value && { ca: ca.value }),
    ...(cert.value && { cert: cert.value }),
    ...(key.value && { key: key.value }),
  });
};

const pemOf = (setting: string, file: string | undefined): Parsed<string | null> => {
  if (file === undefined) return parsed(null);
  try {
    const text = readFileSync(file, 'utf8');
    return text.includes('-----BEGIN ') ? parsed(text) : unparsed(`${setting}: ${file} is not a PEM file`);
  } catch (error) {
    return unparsed(`${setting}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
};

const saslOf = (config: KafkaConfig): Parsed<SASLOptions | null> => {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config;
  if (mechanism === 'none')
    return username === undefined && password === undefined
      ? parsed(null)
      : unparsed(
          'KAFKA_SASL_MECHANISM: is none, but a SASL user or password is set; set it to plain, ' +
            'scram-sha-256 or scram-sha-512',
        );
  if (username === undefined || password === undefined)
    return unparsed(`KAFKA_SASL_MECHANISM: ${mechanism} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD`);
  return parsed({ mechanism, username, password });
};
