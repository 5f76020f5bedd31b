import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateFolder } from './folders.ts';
import { identityOf } from './process-identity.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

const parent = mkdtempSync(join(tmpdir(), 'dakia-server-'));
afterAll(() => rmSync(parent, { recursive: true }));

/** Writes what it was given into a file, as a server would. */
const PROGRAM =
  `require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env)); setInterval(() ` + '=> undefined, 1000);';

test('a server gets what every program needs and what it is given, and no secret of ours; what it writes is private', async () => {
  process.env['RAZORPAY_WEBHOOK_SECRETS'] = 'a secret of the test';
  const folder = stateFolder(join(parent, '.dakia'));
  const written = join(folder.data, 'written');
  const server = defineServer(
    {
      name: 'probe',
      kind: 'server',
      command: process.execPath,
      args: ['-e', PROGRAM, written],
      env: { GIVEN: 'yes' },
      ready: async () => {
        try {
          return readFileSync(written, 'utf8').endsWith('}');
        } catch {
          return false;
        }
      },
      readyWithinMs: 10_000,
      stopSignal: 'SIGTERM',
      stopWithinMs: 5_000,
    },
    folder,
  );
  try {
    await server.start();
    const environment = JSON.parse(readFileSync(written, 'utf8')) as Record<string, string>;
    expect(environment).toMatchObject({ GIVEN: 'yes', PATH: process.env['PATH'] });
    expect(JSON.stringify(environment)).not.toContain('a secret of the test');
    expect(statSync(written).mode & 0o077).toBe(0);
    expect(statSync(server.logFile).mode & 0o077).toBe(0);
    for (const path of [folder.logs, folder.pids]) expect(statSync(path).mode & 0o077).toBe(0);
    // Others may pass through where Postgres has to, and list nothing.
    for (const path of [folder.root, folder.data]) expect(statSync(path).mode & 0o066).toBe(0);
  } finally {
    await server.stop();
    delete process.env['RAZORPAY_WEBHOOK_SECRETS'];
  }
});

/** Says who it is and whom it follows; asked to end, it does so when another one is there. */
const DRAINING = `
const [, file, , former] = process.argv;
const alive = (pid) => { try { process.kill(pid, 0); return true } catch { return false } };
const wait = () => former !== undefined && alive(Number(former))
  ? setTimeout(wait, 5)
  : require('fs').writeFileSync(file, JSON.stringify({ pid: process.pid, former }));
require('fs').appendFileSync(file + '.started', process.pid + ' ' + (former !== undefined && alive(Number(former))) + '\\n');
wait();
const others = () => require('fs').readFileSync(file + '.started', 'utf8').split('\\n').length > 2;
let asked = false;
process.on('SIGTERM', () => (asked = true));
setInterval(() => asked && others() && process.exit(0), 5);
`;

test('a server that is replaced is there before the former one has ended, and ready only after that', async () => {
  const folder = stateFolder(join(parent, 'replaced'));
  const written = join(folder.data, 'written');
  const said = (): { readonly pid?: number; readonly former?: string } =>
    existsSync(written) ? (JSON.parse(readFileSync(written, 'utf8')) as { readonly pid: number }) : {};
  const server: Server = defineServer(
    {
      name: 'draining',
      kind: 'service',
      command: process.execPath,
      args: ['-e', DRAINING, '--', written],
      ready: async () => said().pid === server.pid(),
      readyWithinMs: 10_000,
      stopSignal: 'SIGTERM',
      stopWithinMs: 5_000,
    },
    folder,
  );
  try {
    await server.start();
    const former = server.pid();
    await server.replace();
    expect(said()).toEqual({ pid: server.pid(), former: String(former) });
    expect(server.pid()).not.toBe(former);
    expect(readFileSync(`${written}.started`, 'utf8')).toBe(`${former} false\n${server.pid()} true\n`);
    expect(identityOf(former)).toBeUndefined();
    expect(readFileSync(join(folder.pids, 'draining.json'), 'utf8')).toContain(String(server.pid()));
  } finally {
    await server.stop();
  }
});
