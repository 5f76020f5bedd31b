import fc from 'fast-check';
import { familyNames, familySpec } from '#catalogue';
import { instant } from '#rules';
import type { Subject } from '../subject.ts';
import { html, plain, slack } from './escapes.ts';
import { createFormats, digitsOf, isLocale, isTimeZone } from './formats.ts';
import { fillTemplate, parseTemplate } from './template.ts';
import type { Template } from './template.ts';
import { valuesOf, variablesOf } from './variables.ts';
import { writeHtml, writePlain, writeSlack } from './words.ts';

const formats = createFormats('en-IN', 'Asia/Kolkata');
/** Spaces of formatted amounts are no-break spaces in some locales. */
const spaced = (text: string): string => text.replaceAll('\u00a0', ' ');

const template = (source: string): Template => {
  const read = parseTemplate(source);
  if (!read.ok) throw new Error(read.issues.join());
  return read.value;
};
const fill = (source: string, values: Readonly<Record<string, string>>, escapes = plain): string =>
  fillTemplate(template(source), (name) => (Object.hasOwn(values, name) ? values[name] : undefined), escapes);

describe('grammar', () => {
  test.each([
    ['text alone', 'plain { text } with [brackets]', 'plain { text } with [brackets]'],
    ['variables, spaces inside allowed', '{{a}}-{{ b }}', '1-2'],
    ['an unknown value', 'of {{nothing}}', 'of unknown'],
    ['an optional part that is known', 'x[[, by {{a}} and {{b}}]]!', 'x, by 1 and 2!'],
    ['an optional part with one value unknown', 'x[[, by {{a}} and {{nothing}}]]!', 'x!'],
    ['a value that looks like a template', '{{c}}', '{{a}} [[x]]'],
  ])('%s', (_name, source, expected) => {
    expect(fill(source, { a: '1', b: '2', c: '{{a}} [[x]]' })).toBe(expected);
  });

  test.each([
    ['', 'is empty'],
    ['{{a', '"{{" is never closed with "}}" (character 1)'],
    ['a}}', '"}}" closes nothing (character 2)'],
    ['a]]', '"]]" closes nothing (character 2)'],
    ['[[a {{b}}', '"[[" is never closed with "]]" (character 1)'],
    ['[[a]]', 'an optional part needs a variable that decides whether it is shown (character 1)'],
    ['[[{{a}}[[{{b}}]]]]', 'an optional part "[[" cannot stand inside another (character 8)'],
    ['{{A}}', '"A" is no name of a variable: small letters, digits and _ only (character 1)'],
    ['{{{a}}}', '"{a" is no name of a variable: small letters, digits and _ only (character 1)'],
    ['{{a.b}}', '"a.b" is no name of a variable: small letters, digits and _ only (character 1)'],
    ['ok\n  {{}}', '"" is no name of a variable: small letters, digits and _ only (line 2 of the text, character 3)'],
    ['x'.repeat(4_001), 'is longer than 4000 characters'],
  ])('%s is refused', (source, issue) => {
    expect(parseTemplate(source)).toEqual({ ok: false, issues: [issue] });
  });

  test('names its variables once', () => {
    expect(template('{{a}} {{b}} [[{{a}}]]').variables).toEqual(['a', 'b']);
  });
});

describe('escaping: a value is never markup', () => {
  test.each([
    [
      'slack',
      slack,
      '<!channel> & <https://evil.example|pay here>',
      '&lt;!channel&gt; &amp; &lt;https://evil.example|pay here&gt;',
    ],
    ['slack', slack, '*PAID* `code` ~no~', '∗PAID∗ ˋcodeˋ ∼no∼'],
    ['slack', slack, ':rotating_light: _PAID_ __all__', '∶rotating_light∶ ˍPAIDˍ ˍˍallˍˍ'],
    ['slack', slack, ':tada', '∶tada'],
    ['slack', slack, 'tada:', 'tada∶'],
    ['slack', slack, 'https://rzp.io/i/abc', 'https://rzp.io/i/abc'],
    ['slack', slack, 'blank\u2800blank\ufe0f', 'blankblank'],
    ['slack', slack, 'pay_1 of order_2 at https://a.example:8080/', 'pay_1 of order_2 at https://a.example:8080/'],
    ['slack', slack, 'Pa\u200by \u2060A\u00adsha\u{e0041}\ufeff', 'Pay Asha'],
    [
      'html',
      html,
      `<img src=x onerror="alert('1')">&amp;`,
      '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;',
    ],
    ['plain', plain, 'Asha\r\nBcc: everyone@example.com', 'Asha Bcc: everyone@example.com'],
    ['plain', plain, 'Asha\r\n\r\nbody\u2028more\u0000', 'Asha body more'],
    ['plain', plain, 'abc\u202egnp.exe', 'abc gnp.exe'],
    ['plain', plain, 'हिन्दी 💸', 'हिन्दी 💸'],
  ])('%s', (_name, escapes, value, expected) => {
    expect(fill('{{name}}', { name: value }, escapes)).toBe(expected);
  });

  test('in Slack no value is an emoji, italics, bold, code, a link, a mention or invisible, whatever stands around it', () => {
    const piece = fc.constantFrom(
      ...[':', '_', '*', '~', '`', '<', '>', '&', '!', '@', '|', ' ', '\n', 'tada', 'a1', 'https://', '::skin-tone-2:'],
      ...['\u200b', '\u202e', '\ufe0f', '\u2800', '\u00ad', 'é', '💸'],
    );
    // A colon on either side; one on both would be the operator's own wish.
    const around = fc.constantFrom<readonly [string, string]>(
      ['', ''],
      [' ', ':'],
      [':', ' '],
      ['(', ', '],
      ['x', 'x'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), around, (pieces, [before, after]) => {
        const written = slack.value(pieces.join(''));
        const line = `${before}${written}${after}`;
        expect(written).not.toMatch(/[*~`<>\n]|&(?!amp;|lt;|gt;)/);
        expect(written).not.toMatch(/\p{Cc}|\p{Cf}|\u2800|\ufe0f/u);
        // But for a scheme's, so that links stay links.
        expect(line).not.toMatch(/:[a-z0-9_+'-]+(::[a-z0-9_+'-]+)?:(?!\/\/)/i);
        expect(written).not.toMatch(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/u);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the words of the operator keep their meaning in Slack and none in HTML', () => {
    expect(fill('*<https://a.example|open>* {{a}}', { a: '<' }, slack)).toBe('*<https://a.example|open>* &lt;');
    expect(fill('<b>\n{{a}}', { a: '<' }, html)).toBe('&lt;b&gt;<br>\n&lt;');
  });

  test('a book in a field is cut, also within an emoji', () => {
    const text = fill('{{a}}', { a: '💸'.repeat(2_000) });
    expect([...text]).toHaveLength(300);
    expect(text.isWellFormed()).toBe(true);
    expect(text.endsWith('…')).toBe(true);
  });
});

describe('amounts and times', () => {
  test.each([
    [12_345_600, 'INR', '₹1,23,456.00'],
    [5, 'INR', '₹0.05'],
    [-12_345, 'INR', '-₹123.45'],
    [1_234_567, 'JPY', 'JP¥12,34,567'],
    [1_234_567, 'KWD', 'KWD 1,234.567'],
    [Number.MAX_SAFE_INTEGER, 'INR', '₹9,00,71,99,25,47,409.91'],
    [500, 'ZZZZ', '500 minor units of ZZZZ'],
    [500, 'QQQ', '500 minor units of QQQ'],
  ])('%d of %s', (minor, currency, expected) => {
    expect(spaced(formats.amount(minor, currency))).toBe(expected);
  });

  test('digits of currencies', () => {
    expect([digitsOf('INR'), digitsOf('JPY'), digitsOf('KWD'), digitsOf('inr'), digitsOf('')]).toEqual([
      2,
      0,
      3,
      undefined,
      undefined,
    ]);
  });

  test('another language groups otherwise, another zone is another hour', () => {
    const german = createFormats('de-DE', 'Europe/Berlin');
    expect(spaced(german.amount(12_345_600, 'INR'))).toBe('123.456,00 ₹');
    expect(formats.time(1_700_000_000_000)).toBe('15 Nov 2023, 03:43 IST');
    expect(german.time(1_700_000_000_000)).toBe('14. Nov. 2023, 23:13 MEZ');
  });

  test('zones and locales', () => {
    expect([isTimeZone('Asia/Kolkata'), isTimeZone('Asia/Nowhere'), isTimeZone('')]).toEqual([true, false, false]);
    expect([isLocale('en-IN'), isLocale('xx_no'), isLocale('')]).toEqual([true, false, false]);
  });
});

describe('variables', () => {
  const subject: Subject = {
    kind: 'dispute.opened',
    occurrence: '',
    family: 'disputes',
    entityId: 'disp_1Aa00000000001',
    at: instant(1_700_000_000_000),
    endpoint: null,
    status: 'open',
    columns: {
      payment_id: 'pay_1Aa00000000001',
      amount_minor: 12_345_600,
      currency: 'INR',
      respond_by: 1_700_500_000_000,
      amount_deducted_minor: null,
    },
  };
  const values = valuesOf(subject, { hours: 24 }, formats);

  test.each([
    ['id', 'disp_1Aa00000000001'],
    ['dispute_id', 'disp_1Aa00000000001'],
    ['status', 'open'],
    ['summary', 'A payment is disputed.'],
    ['amount', '₹1,23,456.00'],
    ['amount_minor', '12345600'],
    ['amount_deducted', undefined],
    ['respond_by', '20 Nov 2023, 22:36 IST'],
    ['told_at', '15 Nov 2023, 03:43 IST'],
    ['hours_before', '24'],
    ['endpoint', undefined],
    ['evidence', undefined],
    ['constructor', undefined],
  ])('%s', (name, expected) => {
    expect(values(name)).toBe(expected);
  });

  test('booleans are words', () => {
    const payment: Subject = {
      ...subject,
      kind: 'payment.failed',
      family: 'payments',
      columns: { international: false, captured: true },
    };
    const read = valuesOf(payment, null, formats);
    expect([read('international'), read('captured'), read('hours_before')]).toEqual(['no', 'yes', undefined]);
  });

  test.each([
    ['in the base currency', { currency: 'USD', base_currency: 'INR', international: true }, '$1.00', '₹2.07'],
    ['not known of a foreign payment that names none', { currency: 'USD', international: true }, '$1.00', undefined],
    ['in the own currency at home', { currency: 'INR' }, '₹1.00', '₹2.07'],
    ['without decimals', { currency: 'JPY' }, 'JP¥100', 'JP¥207'],
    ['with three decimals', { currency: 'KWD', base_currency: 'KWD' }, 'KWD 0.100', 'KWD 0.207'],
  ])('the fee of a payment is %s', (_name, columns, amount, fee) => {
    const payment: Subject = {
      ...subject,
      kind: 'payment.captured',
      family: 'payments',
      columns: { amount_minor: 100, fee_minor: 207, tax_minor: 0, ...columns },
    };
    const read = valuesOf(payment, null, formats);
    expect([read('amount'), read('fee')].map((text) => (text === undefined ? text : spaced(text)))).toEqual([
      amount,
      fee,
    ]);
  });

  test('of a payment that waits to be captured: when Razorpay refunds it, and how long that is', () => {
    const payment: Subject = {
      ...subject,
      kind: 'payment.late_authorized',
      family: 'payments',
      status: 'authorized',
      columns: { created_at: 1_700_000_000_000 - 10 * 3_600_000 },
    };
    const read = (one: Subject) => {
      const known = valuesOf(one, null, formats);
      return [known('auto_refund_at'), known('auto_refund_hours')];
    };
    expect(read(payment)).toEqual(['17 Nov 2023, 17:43 IST', '62']);
    expect(read({ ...payment, at: instant(1_800_000_000_000) })[1]).toBe('0');
    expect(read({ ...payment, status: 'captured' })).toEqual([undefined, undefined]);
    expect(read({ ...payment, columns: {} })).toEqual([undefined, undefined]);
    expect(variablesOf('payments', false)).toContain('auto_refund_at');
    expect(variablesOf('refunds', false)).not.toContain('auto_refund_at');
  });

  test.each(familyNames)('%s: every family has the common names, and no JSON', (family) => {
    const names = variablesOf(family, false);
    for (const name of ['id', 'status', 'summary', familySpec(family).keyColumn]) expect(names).toContain(name);
    expect(names).not.toContain('notes');
    expect(names).not.toContain('hours_before');
    expect(variablesOf(family, true)).toContain('hours_before');
  });
});

test('a title is one line in every form, also when the file has it as a block; HTML has no markup of it', () => {
  const subject: Subject = {
    kind: 'account.instantly_activated',
    occurrence: '',
    family: 'accounts',
    entityId: '1Aa00000000001',
    at: instant(1_700_000_000_000),
    endpoint: null,
    status: 'instantly_activated',
    columns: { name: '<b>Asha\r\nBcc: x' },
  };
  const message = {
    type: subject.kind,
    rule: 'a',
    subject,
    reminder: null,
    formats,
    words: { title: template('{{name}}\n'), text: template('{{id}}') },
  };
  expect([writePlain(message), writeSlack(message), writeHtml(message)].map(({ title }) => title)).toEqual([
    '<b>Asha Bcc: x',
    '<b>Asha Bcc: x',
    '&lt;b&gt;Asha Bcc: x',
  ]);
});
