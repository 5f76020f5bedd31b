import net from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Longest wait for an answer or a close, in ms. */
const WAIT_MS = 15_000;

/** A connection on which a test writes bytes as it likes. */
export interface RawConnection {
  readonly write: (bytes: string | Buffer) => void;
  /** Writes and closes this side; answers still come. */
  readonly end: (bytes: string) => void;
  readonly next: () => Promise<RawAnswer>;
  /** Settles when the server has closed the connection. */
  readonly closed: Promise<void>;
  readonly destroy: () => void;
}

export const connect = async (port: number): Promise<RawConnection> => {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  // A server that has closed its side is done; what is still being written fails then.
  socket.on('end', () => socket.end());
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let received = '';
  let look: () => void = () => undefined;
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    look();
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => look());
  return {
    closed,
    write: (bytes) => void socket.write(bytes),
    end: (bytes) => void socket.end(bytes),
    destroy: () => socket.destroy(),
    next: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no answer within ${WAIT_MS} ms, received ${JSON.stringify(received)}`)),
          WAIT_MS,
        );
        look = () => {
          const found = parse(received);
          if (found === undefined && !socket.destroyed) return;
          clearTimeout(timer);
          look = () => undefined;
          if (found === undefined)
            return reject(new Error(`closed without an answer, received ${JSON.stringify(received)}`));
          received = received.slice(found.length);
          resolve(found.answer);
        };
        look();
      }),
  };
};

const parse = (text: string): { readonly answer: RawAnswer; readonly length: number } | undefined => {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [line = '', ...rest] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    rest.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()]),
  );
  const length = end + 4 + Number(headers['content-length'] ?? 0);
  return text.length < length
    ? undefined
    : { length, answer: { status: Number(line.split(' ')[1]), headers, body: text.slice(end + 4, length) } };
};
