import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinnedBases } from './pinned-bases.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const envOf = (build: string, runtime: string): string => `BUILD_BASE_IMAGE=${build}\nRUNTIME_BASE_IMAGE=${runtime}\n`;

test('the bases of this repository are pinned', () => {
  const text = readFileSync(join(import.meta.dirname, '..', 'images.env'), 'utf8');
  expect(pinnedBases(text)).toEqual([
    expect.stringMatching(/^node:24-[a-z-]+@sha256:/) as unknown,
    expect.stringMatching(/^gcr\.io\/distroless\/.*@sha256:/) as unknown,
  ]);
});

test.each([
  ['a tag alone', 'node:24', `base@${digest}`, 'BUILD_BASE_IMAGE is "node:24"'],
  ['half a digest', `node@${digest}`, 'base@sha256:0123', 'RUNTIME_BASE_IMAGE is "base@sha256:0123"'],
  ['nothing', `node@${digest}`, '', 'RUNTIME_BASE_IMAGE is ""'],
])('%s is refused, and what to give is said', (_what, build, runtime, message) => {
  expect(() => pinnedBases(envOf(build, runtime))).toThrow(message);
  expect(() => pinnedBases(envOf(build, runtime))).toThrow('sha256:<64 hex digits>');
});
