import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sign } from '#simulator';
import type { Ended } from '../../test/kit/cli/command-loop.ts';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';

const SECRET = 'the secret of npm start';
/** A process is started, and the machine may be busy with others. */
jest.setTimeout(60_000);

let folder: string;
let server: Server;
let url: string;
let bodies: Map<string, string[]>;
/** What the receiver answers to an authentic delivery: 200, or another status for the first delivery of each event. */
let firstAnswer: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-simulate-'));
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
  bodies = new Map();
  firstAnswer = 200;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (request.headers['x-razorpay-signature'] !== sign(SECRET, body)) return void response.writeHead(401).end();
      const eventId = String(request.headers['x-razorpay-event-id']);
      const earlier = bodies.get(eventId) ?? [];
      bodies.set(eventId, [...earlier, body.toString()]);
      response.writeHead(earlier.length === 0 ? firstAnswer : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/razorpay`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

let opened: Dakia;
beforeAll(() => {
  opened = openDakia({});
});
afterAll(() => opened.close());
const dakia = (...args: readonly string[]): Promise<Ended> => opened.run('--data-dir', folder, ...args);

const json = ({ stdout }: Ended): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

test('sends every event, repeats and forgeries, and exits 0 when all answers are as expected', async () => {
  const ended = await dakia(
    'simulate',
    '--url',
    url,
    '--count',
    '50',
    '--duplicates',
    '0.2',
    '--shuffle',
    '--tamper',
    '0.1',
    '--seed',
    '7',
    '--json',
  );
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(json(ended)).toMatchObject({
    ok: true,
    seed: '7',
    count: 50,
    sent: 65,
    deliveries: { genuine: 50, again: 10, tampered: 5 },
    answers: { 200: 60, 401: 5 },
    retried: 0,
    unexpected: 0,
  });
  expect(bodies.size).toBe(50);
  expect([...bodies.values()].flat()).toHaveLength(60);
});

test('prints a table and the line to verify with', async () => {
  const { stdout, code } = await dakia(
    'simulate',
    '--url',
    url,
    '--count',
    '10',
    '--stories',
    'checkout-captured,link-paid',
    '--seed',
    'table',
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^sent +10 requests: 10 events, 0 again, 0 tampered\nanswers +200: 10\nretried +0\nlatency +p50 [\d.]+ ms, p99 [\d.]+ ms\n/,
  );
  expect(stdout).toMatch(
    /npx dakia verify --seed table --count 10 --stories checkout-captured,link-paid --at \d{10}\n$/,
  );
});

test('the same seed sends the same bytes again, also at another time; another seed sends others', async () => {
  await dakia('simulate', '--url', url, '--count', '20', '--seed', 'same');
  const at = (JSON.parse(readFileSync(join(folder, 'simulations.json'), 'utf8')) as { at: number }[])[0]?.at ?? 0;
  expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
  await dakia('simulate', '--url', url, '--count', '20', '--seed', 'same');
  expect(bodies.size).toBe(20);
  for (const [first, second] of bodies.values()) expect(second).toBe(first);
  await dakia('simulate', '--url', url, '--count', '20', '--seed', 'other');
  expect(bodies.size).toBe(40);
});

test('exits 1 and names the events when an answer is not the expected one', async () => {
  firstAnswer = 503;
  const ended = await dakia('simulate', '--url', url, '--count', '5', '--seed', '1', '--stories', 'payment-failed');
  expect(ended.code).toBe(1);
  expect(ended.stdout).toMatch(/unexpected +5\n {2}genuine payment\.failed \w{14}: expected 200, got 503/);
});

test('--retry delivers again until it is accepted', async () => {
  firstAnswer = 503;
  const ended = await dakia('simulate', '--url', url, '--count', '5', '--seed', '1', '--retry', '10000', '--json');
  expect(ended.code).toBe(0);
  expect(json(ended)).toMatchObject({ sent: 10, retried: 5, unexpected: 0, answers: { 503: 5, 200: 5 } });
});

test('signs with the secret that is given', async () => {
  expect((await dakia('simulate', '--url', url, '--count', '3', '--secret', 'another')).code).toBe(1);
  writeFileSync(join(folder, 'other'), SECRET);
  writeFileSync(join(folder, 'secret'), 'not this one');
  expect((await dakia('simulate', '--url', url, '--count', '3', '--secret-file', join(folder, 'other'))).code).toBe(0);
});

test('says what is missing or wrong, and exits 2', async () => {
  rmSync(join(folder, 'secret'));
  expect(await dakia('simulate', '--url', url)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--secret-file') as string,
  });
  for (const wrong of [
    ['--bogus'],
    ['--count', '0'],
    ['--count', '1e3'],
    ['--duplicates', '2'],
    ['--stories', 'no-such'],
    ['--url', 'ftp://x'],
    ['--seed', 'a b'],
    ['surplus'],
  ]) {
    const ended = await dakia('simulate', '--url', url, '--secret', SECRET, ...wrong);
    expect({ wrong, ...ended }).toMatchObject({
      wrong,
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: /) as string,
    });
  }
  expect(bodies.size).toBe(0);
});
