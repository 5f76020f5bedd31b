import fc from 'fast-check';
import { codePoint } from '#kit/code-point';
import { isRecord, readFlag, readInteger, readJson, readText, readTime, recordAt, valueAt } from './json.ts';

/** Parsed, because a literal with __proto__ sets the prototype instead of a key. */
const hostile = JSON.parse(
  '{"__proto__": {"id": "planted"}, "constructor": {"name": "planted"}, "a.b": {"c": 1}}',
) as Record<string, unknown>;

describe('paths', () => {
  test('keys with dots are one key', () => {
    expect(valueAt(hostile, ['a.b', 'c'])).toBe(1);
    expect(recordAt({ payload: { 'payment.downtime': { entity: {} } } }['payload'], 'payment.downtime')).toEqual({
      entity: {},
    });
  });

  test('what an object only inherits is not there', () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect([key, valueAt({}, [key]), recordAt({}, key)]).toEqual([key, undefined, undefined]);
    }
  });

  test('keys of its own by such names are plain data', () => {
    expect(valueAt(hostile, ['__proto__', 'id'])).toBe('planted');
    expect(recordAt(hostile, 'constructor')).toEqual({ name: 'planted' });
  });

  test.each([null, undefined, 'text', 7, true, [], [1]])('%p holds no records', (value) => {
    expect([isRecord(value), recordAt(value, 'length'), valueAt({ value }, ['value', 'length'])]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });
});

describe('text', () => {
  test.each([
    ['a', 'a'],
    ['', undefined],
    ['\u0000', undefined],
    ['a\u0000b', 'ab'],
    ['a\ud800b', 'a\ufffdb'],
    ['👍', '👍'],
    [153, '153'],
    [-0, '0'],
    [Number.POSITIVE_INFINITY, undefined],
    [true, undefined],
    [null, undefined],
    [undefined, undefined],
    [['a'], undefined],
    [{}, undefined],
  ])('%j is read as %j', (value, expected) => {
    expect(readText(value)).toBe(expected);
  });
});

describe('whole numbers', () => {
  test.each([
    [100, 100],
    ['100', 100],
    [' 100 ', 100],
    ['-5', -5],
    ['007', 7],
    [0, 0],
    [-0, 0],
    ['-0', 0],
    [1.5, undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['', undefined],
    [' ', undefined],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [2 ** 53, undefined],
    ['9007199254740993', undefined],
    ['99999999999999999999', undefined],
    [true, undefined],
    [null, undefined],
    [[100], undefined],
  ])('%j is read as %j', (value, expected) => {
    expect(readInteger(value)).toBe(expected);
  });
});

describe('flags', () => {
  test.each([
    [true, true],
    [1, true],
    ['1', true],
    ['true', true],
    [false, false],
    [0, false],
    ['0', false],
    ['false', false],
    ['yes', undefined],
    ['', undefined],
    [2, undefined],
    [null, undefined],
    [[], undefined],
  ])('%j is read as %j', (value, expected) => {
    expect(readFlag(value)).toBe(expected);
  });
});

describe('times', () => {
  test.each([
    [1_700_000_000, 1_700_000_000_000],
    ['1700000000', 1_700_000_000_000],
    [0, undefined],
    ['0', undefined],
    [-1, undefined],
    [1_700_000_000_000, undefined],
    [946_684_799, undefined],
    [4_102_444_800, undefined],
    [1_700_000_000.5, undefined],
    [null, undefined],
  ])('%j is read as %j', (value, expected) => {
    expect(readTime(value)).toBe(expected);
  });
});

describe('JSON for jsonb', () => {
  test.each([[{}], [[]], [null], [undefined]])('%j is nothing', (value) => {
    expect(readJson(value)).toBeUndefined();
  });

  test('keys are sorted, NULs dropped and lone surrogates replaced, in keys and in values', () => {
    expect(JSON.stringify(readJson({ b: 'x\u0000y', 'a\u0000': ['\udc00'] }))).toBe('{"a":["\ufffd"],"b":"xy"}');
  });

  test('a number that JSON cannot write becomes null, and -0 the 0 that it is read back as', () => {
    expect(readJson(JSON.parse('[1e999, -0, 1.5]'))).toEqual([null, 0, 1.5]);
  });

  test('keys by the names of prototypes stay keys', () => {
    const read = readJson(hostile);
    expect(Object.keys(read as object)).toEqual(['__proto__', 'a.b', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test('nesting beyond 32 levels is cut, however deep it goes', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}1${']'.repeat(5_000)}`) as unknown;
    expect(JSON.stringify(readJson(deep))).toBe(`${'['.repeat(32)}null${']'.repeat(32)}`);
  });

  test('any JSON is read to what is written and read back equal, and reading it again changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: codePoint }), (value) => {
        const read = readJson(value);
        if (read === undefined) return;
        expect(JSON.parse(JSON.stringify(read))).toEqual(read);
        expect(readJson(read)).toEqual(read);
      }),
    );
  });
});

test('no reader throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const read of [readText, readInteger, readFlag, readTime]) expect(() => read(value)).not.toThrow();
    }),
  );
});
