import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { QUARANTINE_TOPIC } from '#catalogue';
import { registeredSchemaId, registerSchemas, UNKNOWN_SCHEMA_ID } from '#envelope';
import { eventually, testServers } from '#kit';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { createSchemaIdLookup } from './schema-id.ts';

const open = (registryUrl: string | undefined) => {
  const topicPrefix = `test-${randomBytes(5).toString('hex')}.`;
  const lines: string[] = [];
  const log = createLogger('test', 'info', { write: (line) => void lines.push(line) });
  return { lines, topicPrefix, lookup: createSchemaIdLookup({ registryUrl, topicPrefix, log, askAgainMs: 50 }) };
};

test('asks until the schema is registered, says so once, and then knows its id', async () => {
  const registryUrl = testServers().SCHEMA_REGISTRY_URL;
  const { lines, topicPrefix, lookup } = open(registryUrl);
  await lookup.start();
  try {
    await eventually('it has asked', () => lines.length > 0);
    expect(lookup.current()).toBe(UNKNOWN_SCHEMA_ID);
    await registerSchemas(registryUrl, [`${topicPrefix}${QUARANTINE_TOPIC}`]);
    const id = await registeredSchemaId(registryUrl, `${topicPrefix}${QUARANTINE_TOPIC}`);
    await eventually('it has found out', () => lookup.current() !== UNKNOWN_SCHEMA_ID);
    expect(lookup.current()).toBe(id);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('npx dakia schema register');
  } finally {
    await lookup.stop(now());
  }
});

test('a registry that is away holds nothing up: no id, one warning that names it', async () => {
  const { lines, lookup } = open('http://127.0.0.1:1/apis/ccompat/v7');
  await lookup.start();
  await eventually('it has asked', () => lines.length > 0);
  await lookup.stop(now());
  expect(lookup.current()).toBe(UNKNOWN_SCHEMA_ID);
  expect(lines[0]).toContain('127.0.0.1:1 does not answer');
});

test('the same trouble is logged once, however often it asks', async () => {
  let asked = 0;
  const broken = createServer((_, answer) => {
    asked++;
    answer.writeHead(500).end();
  }).listen(0, '127.0.0.1');
  await once(broken, 'listening');
  const { lines, lookup } = open(`http://127.0.0.1:${(broken.address() as AddressInfo).port}`);
  await lookup.start();
  try {
    await eventually('it has asked again and again', () => asked >= 4);
  } finally {
    await lookup.stop(now());
    broken.close();
  }
  expect(lines).toHaveLength(1);
});

test('without a registry nobody is asked', async () => {
  const { lines, lookup } = open(undefined);
  await lookup.start();
  await lookup.stop(now());
  expect(lookup.current()).toBe(UNKNOWN_SCHEMA_ID);
  expect(lines).toEqual([]);
});
