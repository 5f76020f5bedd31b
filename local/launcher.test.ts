import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { givenAddresses } from './addresses.ts';
import { writeEnvFile } from './env-file.ts';
import { stateFolder } from './folders.ts';
import { newClusterId, propertiesOf } from './kafka-node.ts';
import { readOptions } from './options.ts';
import { freePort, isFree, requireFree } from './ports.ts';
import { identityOf, parseProcStat } from './process-identity.ts';
import { formatBytes } from './progress.ts';
import { secretFile } from './secret.ts';
import { downloadedBytes } from './server-files.ts';
import { portNeedsOf } from './start-servers.ts';
import { waitBefore } from './supervise.ts';

const withFolder = async (work: (root: string) => void | Promise<void>): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'dakia-launcher-'));
  try {
    await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};
const modeOf = (file: string): number => statSync(file).mode & 0o777;

describe('process identity', () => {
  test('the start time is found behind a command with spaces and brackets', () => {
    const fields = ['S', ...Array.from({ length: 18 }, (_, index) => String(index)), '123456', '7'];
    expect(parseProcStat(`42 (a) b (c) ${fields.join(' ')}`)).toEqual({ state: 'S', startTicks: '123456' });
  });

  test('a process keeps its identity, and one that is gone has none', () => {
    expect(identityOf(process.pid)).toBe(identityOf(process.pid));
    expect(identityOf(process.pid)).not.toBe(identityOf(1));
    expect(identityOf(2 ** 22 + 1)).toBeUndefined();
  });
});

describe('ports', () => {
  test('a port in use is named with the setting that changes it', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      await expect(requireFree([{ port, usedBy: 'Postgres', setting: 'DAKIA_POSTGRES_PORT' }])).rejects.toThrow(
        `Port ${port}, which Postgres needs, is in use. Stop what uses it, or set DAKIA_POSTGRES_PORT to another port.`,
      );
      expect(await isFree(port)).toBe(false);
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    await expect(requireFree([{ port, usedBy: 'Postgres', setting: 'DAKIA_POSTGRES_PORT' }])).resolves.toBeUndefined();
  });

  test('two settings of one port are a clash before anything listens', async () => {
    const port = await freePort();
    const need = { port, usedBy: 'Redis', setting: 'DAKIA_REDIS_PORT' };
    await expect(requireFree([need, { port, usedBy: 'Kafka', setting: 'DAKIA_KAFKA_PORT' }])).rejects.toThrow(
      /DAKIA_REDIS_PORT.*DAKIA_KAFKA_PORT.*both set to port/,
    );
  });

  test('a server that is given, and a port that is drawn, need nothing', () => {
    const ports = { kafkaPort: 9092, kafkaControllerPort: 9093, registryPort: 0, postgresPort: 5432, redisPort: 6379 };
    expect(portNeedsOf(ports, { DATABASE_URL: 'postgres://elsewhere/db' }).map(({ setting }) => setting)).toEqual([
      'DAKIA_KAFKA_PORT',
      'DAKIA_KAFKA_CONTROLLER_PORT',
      'DAKIA_REDIS_PORT',
    ]);
  });
});

describe('options', () => {
  test('port, folder and --separate are read; the default folder is .dakia of the checkout', () => {
    const read = readOptions(['--port', '8090', '--separate']);
    expect(read).toMatchObject({ ok: true, value: { webhookPort: 8090, separate: true, help: false } });
    expect(read.ok && read.value.dataDir).toMatch(/\/\.dakia$/);
    expect(readOptions(['--data-dir', '/somewhere'])).toMatchObject({
      ok: true,
      value: { dataDir: '/somewhere', webhookPort: undefined },
    });
  });

  test.each([[['--prot', '1']], [['--port', '70000']], [['--port', 'http']], [['--port']], [['extra']]])(
    '%j is refused',
    (args) => {
      expect(readOptions(args).ok).toBe(false);
    },
  );
});

describe('secrets', () => {
  test('the signing secret is random, made once, and private', () =>
    withFolder((root) => {
      const [one, two] = [stateFolder(join(root, 'one')), stateFolder(join(root, 'two'))];
      const secret = readFileSync(secretFile(one), 'utf8');
      expect(secret.trim()).toMatch(/^[\w-]{43}$/);
      expect(readFileSync(secretFile(one), 'utf8')).toBe(secret);
      expect(readFileSync(secretFile(two), 'utf8')).not.toBe(secret);
      expect(modeOf(secretFile(one))).toBe(0o600);
    }));

  test('the env file is private and reads back, by a shell and by Node', () =>
    withFolder((root) => {
      const file = writeEnvFile(stateFolder(root), {
        DATABASE_URL: 'postgres://u:p@h/d?a=$b&c',
        REDIS_URL: 'redis://h',
      });
      expect(modeOf(file)).toBe(0o600);
      expect(readFileSync(file, 'utf8')).toBe(
        "export DATABASE_URL='postgres://u:p@h/d?a=$b&c'\nexport REDIS_URL='redis://h'\n",
      );
      expect(parseEnv(readFileSync(file, 'utf8'))).toEqual({
        DATABASE_URL: 'postgres://u:p@h/d?a=$b&c',
        REDIS_URL: 'redis://h',
      });
    }));
});

describe('kafka', () => {
  test('a cluster id never begins with a dash', () => {
    for (let draw = 0; draw < 500; draw += 1) expect(newClusterId()).toMatch(/^[A-Za-z0-9_][\w-]{21}$/);
  });

  test('copies of the internal topics follow the number of nodes', () => {
    const spec = {
      name: 'k',
      nodeId: 1,
      clusterId: newClusterId(),
      port: 1,
      controllerPort: 2,
      listeners: [],
      extra: [],
      users: {},
    };
    expect(propertiesOf({ ...spec, voters: ['1@h:2'] }, '/d')).toContain('offsets.topic.replication.factor=1');
    const three = propertiesOf({ ...spec, voters: ['1@h:2', '2@h:3', '3@h:4'] }, '/d');
    expect(three).toContain('offsets.topic.replication.factor=3');
    expect(three).toContain('transaction.state.log.min.isr=2');
  });

  test('no topic is made by a mistyped name', () => {
    const lines = propertiesOf(
      {
        name: 'k',
        nodeId: 1,
        clusterId: '',
        port: 1,
        controllerPort: 2,
        voters: ['1@h:2'],
        listeners: [],
        extra: [],
        users: {},
      },
      '/d',
    );
    expect(lines.join('\n').split('\n')).toContain('auto.create.topics.enable=false');
  });
});

test('addresses that are empty count as not given', () => {
  expect(givenAddresses({ KAFKA_BROKERS: '', REDIS_URL: 'redis://h', HOME: '/root' })).toEqual({
    REDIS_URL: 'redis://h',
  });
});

test('what Maven says it downloaded is counted', () => {
  expect(downloadedBytes('[INFO] Downloaded from central: https://host/a.jar (2.3 MB at 6.2 MB/s)')).toBe(2_300_000);
  expect(downloadedBytes('[INFO] Downloaded from central: https://host/a.pom (811 B at 9.1 kB/s)')).toBe(811);
  expect(downloadedBytes('[INFO] Downloading from central: https://host/a.jar')).toBe(0);
  expect(formatBytes(2_300_000)).toBe('2.3 MB');
  expect(formatBytes(0)).toBe('0 B');
});

test('the wait before a service starts again doubles up to 30 s', () => {
  expect([0, 1, 2, 10].map(waitBefore)).toEqual([500, 1_000, 2_000, 30_000]);
});
