import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './eventually.ts';
import { readMessage } from './protobuf.ts';
import type { Message } from './protobuf.ts';

/** A span as a collector gets it. Times in ns since 1970, ids in hex; `parent` is '' for the first of a trace. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Message of the status, where that is an error. */
  readonly error: string | undefined;
}

/** A collector's endpoint of OTLP over HTTP. */
export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Headers of the requests. */
  readonly headers: readonly http.IncomingHttpHeaders[];
  /** Waits until `pick` of all spans is something. */
  readonly until: <Value>(
    what: string,
    pick: (spans: readonly ReceivedSpan[]) => Value | false | undefined,
  ) => Promise<Value>;
  readonly close: () => Promise<void>;
}

/** `answer`: what it does with a request instead of 200, such as nothing at all. */
export const startOtlpReceiver = async (answer?: (response: http.ServerResponse) => void): Promise<OtlpReceiver> => {
  const spans: ReceivedSpan[] = [];
  const headers: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      headers.push(request.headers);
      if (answer !== undefined) return answer(response);
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf')
        return void response.writeHead(415).end();
      spans.push(...spansOf(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers,
    until: async (what, pick) => eventually(what, () => pick(spans) ?? false),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
};

/** Numbers of fields as opentelemetry/proto/{collector/trace,trace,resource,common}/v1 publish them. */
const FIELD = {
  request: { resourceSpans: 1 },
  resourceSpans: { resource: 1, scopeSpans: 2 },
  resource: { attributes: 1 },
  scopeSpans: { spans: 2 },
  span: {
    traceId: 1,
    spanId: 2,
    parent: 4,
    name: 5,
    kind: 6,
    start: 7,
    end: 8,
    attributes: 9,
    links: 13,
    status: 15,
  },
  link: { traceId: 1, spanId: 2 },
  status: { message: 2, code: 3 },
  keyValue: { key: 1, value: 2 },
} as const;
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const ERROR = 2;

const spansOf = (body: Buffer): readonly ReceivedSpan[] =>
  readMessage(body)
    .messages(FIELD.request.resourceSpans)
    .flatMap((group) => {
      const resource = attributesOf(group.message(FIELD.resourceSpans.resource), FIELD.resource.attributes);
      return group
        .messages(FIELD.resourceSpans.scopeSpans)
        .flatMap((scope) => scope.messages(FIELD.scopeSpans.spans))
        .map((span) => spanOf(span, String(resource['service.name'])));
    });

const spanOf = (span: Message, service: string): ReceivedSpan => {
  const status = span.message(FIELD.span.status);
  return {
    service,
    name: span.text(FIELD.span.name),
    kind: KINDS[Number(span.number(FIELD.span.kind))] ?? '?',
    traceId: span.bytes(FIELD.span.traceId).toString('hex'),
    spanId: span.bytes(FIELD.span.spanId).toString('hex'),
    parent: span.bytes(FIELD.span.parent).toString('hex'),
    start: span.number(FIELD.span.start),
    end: span.number(FIELD.span.end),
    attributes: attributesOf(span, FIELD.span.attributes),
    links: span.messages(FIELD.span.links).map((link) => ({
      traceId: link.bytes(FIELD.link.traceId).toString('hex'),
      spanId: link.bytes(FIELD.link.spanId).toString('hex'),
    })),
    error: Number(status.number(FIELD.status.code)) === ERROR ? status.text(FIELD.status.message) : undefined,
  };
};

const attributesOf = (message: Message, field: number): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    message.messages(field).map((pair) => [pair.text(FIELD.keyValue.key), valueOf(pair.message(FIELD.keyValue.value))]),
  );

/** AnyValue: text, bool, int or double. */
const valueOf = (value: Message): unknown => {
  if (value.has(1)) return value.text(1);
  if (value.has(2)) return value.number(2) === 1n;
  if (value.has(3)) return Number(value.number(3));
  return value.has(4) ? value.double(4) : undefined;
};
