import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { codePoint } from '#kit/code-point';
import { verify, webhookSecret } from './verify.ts';

interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly valid: boolean;
  readonly secret: string;
  readonly signature: string;
  readonly body: string;
  readonly body_bytes: number;
}

/**
 * Published by Razorpay's libraries and documents (razorpay-node
 * test/utils/razorpay-utils.spec.js, razorpay-java UtilsTest).
 */
const fromTheLibraries: readonly Vector[] = [
  {
    name: 'node-java-tiny-json',
    kind: 'webhook',
    valid: true,
    secret: '123456',
    signature: '2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc',
    body: '{"a":1,"b":2,"c":{"d":3}}',
    body_bytes: 25,
  },
  {
    name: 'node-tiny-json-wrong-signature',
    kind: 'webhook',
    valid: false,
    secret: '123456',
    signature: 'sdfafds',
    body: '{"a":1,"b":2,"c":{"d":3}}',
    body_bytes: 25,
  },
];
/** All that were collected, beside the repository where it is developed. */
const collection = join(import.meta.dirname, '../../../shared/vectors.json');
const collected = existsSync(collection)
  ? (JSON.parse(readFileSync(collection, 'utf8')) as { vectors: readonly Vector[] }).vectors
  : [];

const hex = (secret: string, body: Uint8Array): string => createHmac('sha256', secret).update(body).digest('hex');
const secrets = (...texts: string[]) => texts.map(webhookSecret);

test.each([...fromTheLibraries, ...collected].filter(({ kind }) => kind === 'webhook'))(
  'published signature: $name',
  ({ valid, secret, signature, body, body_bytes }) => {
    const bytes = Buffer.from(body);
    expect(bytes).toHaveLength(body_bytes);
    expect(verify(bytes, signature, secrets(secret)).ok).toBe(valid);
  },
);

test('any body is authentic with the secret that signed it, at its position, and no longer when one bit differs', () => {
  const text = fc.string({ minLength: 1, maxLength: 40, unit: codePoint }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.uniqueArray(text, { minLength: 1, maxLength: 4 }),
      fc.nat(),
      fc.nat(),
      (body, keys, pick, bit) => {
        const position = pick % keys.length;
        const signature = hex(keys[position] ?? '', body);
        expect(verify(body, signature, secrets(...keys))).toEqual({ ok: true, position });
        const others = keys.filter((_, index) => index !== position);
        expect(verify(body, signature, secrets(...others))).toEqual({ ok: false, reason: 'mismatch' });
        const changed = Uint8Array.from(body);
        const at = bit % (changed.length * 8);
        changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
        expect(verify(changed, signature, secrets(...keys))).toEqual({ ok: false, reason: 'mismatch' });
      },
    ),
  );
});

test('what is not a signature is refused by what it is', () => {
  const body = Buffer.from('{}');
  const good = hex('s', body);
  const reasonOf = (signature: string | undefined) => {
    const answer = verify(body, signature, secrets('s'));
    return answer.ok ? 'ok' : answer.reason;
  };
  expect(reasonOf(good)).toBe('ok');
  expect([undefined, ''].map(reasonOf)).toEqual(['missing', 'missing']);
  const malformed = [
    good.toUpperCase(),
    good.slice(1),
    `${good}0`,
    ` ${good}`,
    `${good}\n`,
    `${good}, ${good}`,
    `sha256=${good}`,
    good.replace(/^./, 'g'),
    'é'.repeat(64),
    '0'.repeat(1_000_000),
  ];
  expect(malformed.map(reasonOf)).toEqual(malformed.map(() => 'malformed'));
  expect(['0'.repeat(64), (good.startsWith('0') ? '1' : '0') + good.slice(1)].map(reasonOf)).toEqual([
    'mismatch',
    'mismatch',
  ]);
  expect(verify(body, good, [])).toEqual({ ok: false, reason: 'mismatch' });
});

test('a secret shows nothing of itself', () => {
  const secret = webhookSecret('canary-of-this-test');
  expect(inspect(secret, { depth: 9, showHidden: true }) + JSON.stringify({ secret })).not.toContain('canary');
});
