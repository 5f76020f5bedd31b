import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '#kit/certificate';
import { kafkaSettings, readConfig } from '#platform/config';
import { createLogger } from '#platform/log';
import { createKafka, kafkaIssues } from './client.ts';
import type { KafkaConfig } from './client.ts';

let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'dakia-client-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const configOf = (environment: Readonly<Record<string, string>>): KafkaConfig => {
  const config = readConfig(kafkaSettings, { KAFKA_BROKERS: 'a:1', ...environment });
  if (!config.ok) throw new Error(config.issues.join('; '));
  return config.value;
};
const written = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test('settings that contradict each other, and files that cannot be used, are named', async () => {
  const { certFile, keyFile } = await makeCertificate(folder, 'client');
  const issues = (environment: Readonly<Record<string, string>>): readonly string[] => {
    const config = readConfig(kafkaSettings, { KAFKA_BROKERS: 'a:1', ...environment });
    return config.ok ? kafkaIssues(config.value) : config.issues;
  };
  const [pem, nonsense, missing] = [
    written('a.pem', '-----BEGIN CERTIFICATE-----'),
    written('nonsense', 'not PEM'),
    join(folder, 'missing'),
  ];
  const password = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'canary' };
  expect(issues({})).toEqual([]);
  expect(
    issues({
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA_FILE: certFile,
      KAFKA_TLS_CERT_FILE: certFile,
      KAFKA_TLS_KEY_FILE: keyFile,
      ...password,
    }),
  ).toEqual([]);
  expect(issues({ KAFKA_TLS_CA_FILE: pem })).toEqual([expect.stringMatching(/^KAFKA_TLS: is not true, but/)]);
  expect(issues({ KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: pem })).toEqual([
    expect.stringMatching(/^KAFKA_TLS_CERT_FILE: a client certificate needs/),
  ]);
  expect(issues({ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: nonsense })).toEqual([
    `KAFKA_TLS_CA_FILE: ${nonsense} is not a PEM file`,
  ]);
  expect(issues({ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: missing })).toEqual([
    `KAFKA_TLS_CA_FILE: ${missing} cannot be read (ENOENT)`,
  ]);
  const { keyFile: anotherKey } = await makeCertificate(folder, 'another');
  expect(issues({ KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: anotherKey })).toEqual([
    expect.stringMatching(/^KAFKA_TLS_CA_FILE, .*: cannot be used together \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)$/),
  ]);
  expect(issues({ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' })).toEqual([
    'KAFKA_SASL_MECHANISM: plain needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
  ]);
  expect(issues({ KAFKA_SASL_PASSWORD: 'canary' })).toEqual([
    expect.stringMatching(/^KAFKA_SASL_MECHANISM: is none, but (?!.*canary)/),
  ]);
  expect(() =>
    createKafka(configOf({ KAFKA_TLS_CA_FILE: pem }), createLogger('test', 'fatal'), {
      clientId: 'c',
      requestTimeoutMs: 1,
      retry: { retries: 0, initialRetryTime: 1, maxRetryTime: 1 },
    }),
  ).toThrow('KAFKA_TLS: is not true');
});
