import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrationOf, readMigrations } from './migration-files.ts';

test('the repository has one order of migrations, the ledger first', async () => {
  const migrations = await readMigrations();
  const numbers = migrations.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(migrations[0]?.name).toBe('0001_partition_ledger.sql');
});

test('two files with one number are refused with both names', async () => {
  const root = mkdtempSync(join(tmpdir(), 'dakia-migrations-'));
  try {
    writeFileSync(join(root, '0007_one.sql'), 'SELECT 1');
    writeFileSync(join(root, '0007_other.sql'), 'SELECT 2');
    writeFileSync(join(root, 'README.md'), 'no migration');
    await expect(readMigrations(root)).rejects.toThrow('0007_one.sql and 0007_other.sql have the same number');
  } finally {
    rmSync(root, { recursive: true });
  }
});

test.each(['7_short.sql', '0007-dash.sql', '0007_Upper.sql', '0007.sql'])('%s is no name for a migration', (name) => {
  expect(() => migrationOf(name, '')).toThrow(`migration ${name} must be named like`);
});

test('line ends do not count as an edit', () => {
  expect(migrationOf('0001_a.sql', 'a\r\nb').checksum).toBe(migrationOf('0001_a.sql', 'a\nb').checksum);
  expect(migrationOf('0001_a.sql', 'a\nb').checksum).not.toBe(migrationOf('0001_a.sql', 'a\nc').checksum);
});
