import { randomBytes } from 'node:crypto';
import avsc from 'avsc';
import { testServers } from '#kit';
import { freePort } from '#local';
import { createEnvelopeDecoder } from './decode.ts';
import { checkSchemas, createSchemaLookup, registeredSchemaId, registerSchemas } from './registry.ts';
import { envelopeSchema } from './schema-v2.ts';

/** The registry may be busy with other tests. */
jest.setTimeout(30_000);

const prefix = `test-${randomBytes(4).toString('hex')}.`;
const url = (): string => testServers().SCHEMA_REGISTRY_URL;
const request = (method: string, path: string, body: object): Promise<Response> =>
  fetch(`${url()}${path}`, {
    method,
    headers: { 'Content-Type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(body),
  });
const post = (subject: string, schema: unknown): Promise<Response> =>
  request('POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(schema) });

test('what is registered is found, once and for all its topics, with compatibility FULL', async () => {
  const topics = [`${prefix}a.v1`, `${prefix}b.v1`];
  expect(await checkSchemas(url(), topics)).toEqual(
    topics.map((topic) => ({
      subject: `${topic}-value`,
      state: 'missing',
      compatibility: null,
      problem: expect.stringContaining('npx dakia schema register') as string,
    })),
  );
  const id = await registerSchemas(url(), topics);
  expect(await registerSchemas(url(), topics)).toBe(id);
  expect(await registeredSchemaId(url(), `${prefix}a.v1`)).toBe(id);
  expect(await registeredSchemaId(url(), `${prefix}unknown.v1`)).toBeUndefined();
  expect(await checkSchemas(url(), topics)).toEqual(
    topics.map((topic) => ({ subject: `${topic}-value`, state: 'registered', compatibility: 'FULL', problem: null })),
  );
});

test('FULL is enforced: a field may come or go only with a default', async () => {
  const topic = `${prefix}evolves.v1`;
  await registerSchemas(url(), [topic]);
  const withField = (field: object) => ({ ...envelopeSchema, fields: [...envelopeSchema.fields, field] });
  expect((await post(`${topic}-value`, withField({ name: 'added', type: 'string' }))).status).toBe(409);
  expect(
    (
      await post(`${topic}-value`, {
        ...envelopeSchema,
        fields: envelopeSchema.fields.filter(({ name }) => name !== 'rawBody'),
      })
    ).status,
  ).toBe(409);
  expect((await post(`${topic}-value`, withField({ name: 'added', type: 'string', default: '' }))).status).toBe(200);
  // Ours is still there as an earlier version.
  expect(await checkSchemas(url(), [topic])).toMatchObject([{ state: 'registered' }]);
});

test('a subject that another program uses is not taken for ours', async () => {
  const topic = `${prefix}foreign.v1`;
  await post(`${topic}-value`, { type: 'record', name: 'Other', fields: [{ name: 'x', type: 'int' }] });
  await request('PUT', `/config/${topic}-value`, { compatibility: 'FULL' });
  expect(await checkSchemas(url(), [topic])).toMatchObject([
    { state: 'incompatible', problem: expect.stringContaining('another schema') as string },
  ]);
});

test('a registry that is not there is named', async () => {
  const port = await freePort();
  await expect(checkSchemas(`http://127.0.0.1:${port}/apis`, ['x'])).rejects.toThrow(
    `the schema registry at 127.0.0.1:${port} does not answer: ECONNREFUSED`,
  );
});

test('a record of a newer schema version is read with the schema that the registry holds; an id without one is not decodable', async () => {
  const topic = `${prefix}newer.v1`;
  await registerSchemas(url(), [topic]);
  const newer = {
    ...envelopeSchema,
    fields: [...envelopeSchema.fields, { name: 'region', type: ['null', 'string'], default: null }],
  };
  const { id } = (await (await post(`${topic}-value`, newer)).json()) as { id: number };
  const row = {
    eventId: 'evt_1',
    event: 'payment.captured',
    key: 'pay_1',
    reason: null,
    endpoint: 'default',
    accountId: null,
    occurredAt: null,
    receivedAt: 1_700_000_000_000,
    traceparent: null,
    rawBody: Buffer.from('{}'),
    region: 'in-west',
  };
  const data = avsc.Type.forSchema(newer as unknown as avsc.Schema, { wrapUnions: false }).toBuffer(row);
  const framed = (schemaId: number): Buffer => {
    const header = Buffer.alloc(5);
    header.writeInt32BE(schemaId, 1);
    return Buffer.concat([header, data]);
  };
  const headers = { 'schema-version': '3' };
  const decoder = createEnvelopeDecoder(createSchemaLookup(url()));
  expect(await decoder.decode(framed(id), headers)).toMatchObject({
    ok: true,
    value: { kind: 'event', eventId: 'evt_1', family: 'payments' },
  });
  expect(await decoder.decode(framed(2_000_000_000), headers)).toMatchObject({
    ok: false,
    issues: ['the schema registry has no schema 2000000000'],
  });
  await expect(
    createEnvelopeDecoder(createSchemaLookup('http://127.0.0.1:1')).decode(framed(id), headers),
  ).rejects.toThrow('does not answer');
});
