import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** One request as it arrived. */
export interface ReceivedRequest {
  /** When its last byte was read, epoch ms. */
  readonly atMs: number;
  /** `webhook-id`; empty without one. */
  readonly id: string;
  /** `data.sequence` and `data.entity_id` of the body, null where it has none. */
  readonly sequence: number | null;
  readonly entityId: string | null;
  /** Why the signature was refused; null when it fits, or when there was no secret to check it with. */
  readonly refusal: string | null;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The status that was answered; null until the answer is written. */
  readonly status: number | null;
}

/** What the receiver does with a request; `count` is from 1. */
export type Answer = (response: http.ServerResponse, socket: Socket, count: number, request: ReceivedRequest) => void;

const answerStatus =
  (status: number, headers: http.OutgoingHttpHeaders = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end();
/** Takes the request and never answers. */
const hang: Answer = () => undefined;
const reset: Answer = (_response, socket) => void socket.resetAndDestroy();
const slow =
  (afterMs: number): Answer =>
  (response) => {
    const timer = setTimeout(() => response.end(), afterMs);
    response.once('close', () => clearTimeout(timer));
  };

/** What receivers do. Any other function will do as well. */
export const answers = { status: answerStatus, hang, reset, slow } as const;

/** A merchant's own system: takes signed HTTP, checks it with the library of the specification and remembers it. */
export interface Receiver {
  readonly url: URL;
  readonly received: readonly ReceivedRequest[];
  /** Connections that were made so far. */
  readonly connections: () => number;
  /** From the next request on. */
  readonly answer: (answer: Answer) => void;
  /** Ends also what is under way. */
  readonly close: () => Promise<void>;
}

/** Starts one on a free port of loopback. `secret` (`whsec_…`): what signatures are checked with. */
export const startReceiver = async (first: Answer = answers.status(200), secret?: string): Promise<Receiver> => {
  const webhook = secret === undefined ? undefined : new Webhook(secret);
  const received: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let made = 0;
  let answer = first;
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const record = read(request.headers, Buffer.concat(chunks).toString('utf8'), webhook);
      response.once('finish', () => void (record.status = response.statusCode));
      received.push(record);
      answer(response, request.socket, received.length, record);
    });
  });
  server.on('connection', (socket) => {
    made += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/hook`),
    received,
    connections: () => made,
    answer: (next) => void (answer = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};

type Writable = { -readonly [Field in keyof ReceivedRequest]: ReceivedRequest[Field] };

const read = (headers: http.IncomingHttpHeaders, body: string, webhook: Webhook | undefined): Writable => ({
  atMs: Date.now(),
  id: String(headers['webhook-id'] ?? ''),
  ...placeOf(body),
  refusal: webhook === undefined ? null : refusalOf(webhook, headers, body),
  headers,
  body,
  status: null,
});

const placeOf = (body: string): Pick<ReceivedRequest, 'sequence' | 'entityId'> => {
  try {
    const { data } = JSON.parse(body) as {
      readonly data?: { readonly sequence?: number; readonly entity_id?: string };
    };
    return { sequence: data?.sequence ?? null, entityId: data?.entity_id ?? null };
  } catch {
    return { sequence: null, entityId: null };
  }
};

const refusalOf = (webhook: Webhook, headers: http.IncomingHttpHeaders, body: string): string | null => {
  try {
    webhook.verify(body, headers as { readonly [name: string]: string });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};
