/** Runs every command of the runbooks on real servers, as a person would who follows them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import pg from 'pg';
import { PLACEHOLDER, runbooks } from '../../tools/observability/runbooks.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { openTestApp } from '../kit/ingest/app.ts';
import type { TestApp } from '../kit/ingest/app.ts';
import { openDakiaOnServers, SHAPE_HERE } from '../kit/cli/on-servers.ts';
import type { DakiaOnServers } from '../kit/cli/on-servers.ts';

jest.setTimeout(60_000);

const pages = runbooks();
let servers: DakiaOnServers;

beforeAll(async () => void (servers = await openDakiaOnServers()));
afterAll(() => servers.close());

/**
 * What a reader puts where a word in capitals stands. There is no
 * such thing in this empty deployment, so the command says that.
 */
const FILLED: Readonly<Record<string, string>> = {
  KEY: 'rfnd_FS8TWyPrCsa0OB',
  GROUP: 'payments',
  TOPIC: 'rzp.payments.v1',
  PARTITION: '0',
  DESTINATION: 'order-system',
};
/** Commands that are right to end with 2 here: they name a thing that this deployment has not. */
const NAMES_A_THING = /^(notify test|ledger (rebase|recount))/;

const fill = (word: string): string => {
  if (!PLACEHOLDER.test(word)) return word;
  const value = FILLED[word];
  if (value === undefined) throw new Error(`the test has nothing for ${word}`);
  return value;
};

const commands = [...new Map(pages.flatMap((page) => page.commands.map((args) => [args.join(' '), args] as const)))];
const queries = pages.flatMap(({ name, queries: all }) => all.map((query) => [name, query] as const));

test('the pages have commands and queries', () => {
  expect(commands.length).toBeGreaterThan(15);
  expect(queries.length).toBeGreaterThan(0);
});

test.each(commands)('npx dakia %s does what it says, or says what is missing', async (line, args) => {
  const words = args.map(fill);
  const { code, stdout, stderr } = await servers.dakia.run(
    '--data-dir',
    servers.folder,
    ...words,
    ...(SHAPE_HERE[words.slice(0, 2).join(' ')] ?? []),
  );
  const said = `${stdout}${stderr}`;
  expect(said).not.toMatch(/unknown (option|command)|too many arguments|missing required|\.ts:/);
  expect({ line, said: said.trim() !== '' }).toEqual({ line, said: true });
  expect(NAMES_A_THING.test(line) ? [0, 1, 2] : [0, 1]).toContain(code);
});

test.each(queries)('the query of %s runs on the tables', async (_name, query) => {
  const client = new pg.Client({ connectionString: servers.database.url });
  await client.connect();
  try {
    expect((await client.query(query)).rows).toEqual([]);
  } finally {
    await client.end();
  }
});

describe('what calls another program', () => {
  const others = [...new Set(pages.flatMap(({ otherCommands }) => otherCommands))];
  let folder = '';
  let ingest: TestApp;
  let balancer: tls.Server;
  let filled: Readonly<Record<string, string>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dakia-commands-'));
    const { certFile, keyFile } = await makeCertificate(folder, 'hooks.example.com');
    ingest = await openTestApp();
    balancer = tls.createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
      socket.on('error', () => undefined).end();
    });
    await new Promise<void>((resolve) => void balancer.listen(0, '127.0.0.1', resolve));
    filled = {
      'WEBHOOK_HOST:443': `127.0.0.1:${(balancer.address() as AddressInfo).port}`,
      WEBHOOK_HOST: 'hooks.example.com',
      WEBHOOK_URL: `http://127.0.0.1:${ingest.port}/webhooks/razorpay`,
    };
  });
  afterAll(async () => {
    balancer.close();
    await ingest.close();
    rmSync(folder, { recursive: true });
  });
  /** What each of them shows where all is well. */
  const shows: Readonly<Record<string, RegExp>> = {
    curl: /^401$/m,
    openssl: /^notAfter=.*\n(.*\n)*issuer=.*hooks\.example\.com/m,
  };

  test.each(others)('%s', async (line) => {
    const command = Object.entries(filled).reduce((text, [name, value]) => text.replaceAll(name, value), line);
    expect(command).not.toMatch(/\b[A-Z]+_[A-Z]+\b/);
    const { stdout } = await promisify(execFile)('bash', ['-o', 'pipefail', '-c', command]);
    expect(stdout).toMatch(shows[line.split(' ')[0] ?? ''] ?? /^what it shows is not known here$/);
  });
});
