/** How amounts and times are written: one place, one language, one zone for the whole file of rules. */
export interface Formats {
  /** An exact amount with its currency; `minor` is a safe integer. */
  readonly amount: (minor: number, currency: string) => string;
  /** A time in the chosen zone, which it names. */
  readonly time: (epochMs: number) => string;
}

const knownCurrencies = new Set(Intl.supportedValuesOf('currency'));

/**
 * How many digits a currency has after the point (ISO 4217, as in ICU): INR 2, JPY 0, KWD 3; undefined for no currency.
 */
export const digitsOf = (currency: string): number | undefined =>
  knownCurrencies.has(currency)
    ? new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits
    : undefined;

/** Minor units as a decimal number in text: exact also where a double would not be. */
const decimal = (minor: number, digits: number): string => {
  const figures = String(Math.abs(minor)).padStart(digits + 1, '0');
  const whole = figures.slice(0, figures.length - digits);
  return `${minor < 0 ? '-' : ''}${whole}${digits === 0 ? '' : `.${figures.slice(figures.length - digits)}`}`;
};

export const isLocale = (locale: string): boolean => {
  try {
    return Intl.NumberFormat.supportedLocalesOf([locale]).length === 1;
  } catch {
    return false;
  }
};

export const isTimeZone = (timeZone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
};

/**
 * `locale` and `timeZone` have passed the two checks above.
 * Formatters are made once each: making one costs more than 100 uses.
 */
export const createFormats = (locale: string, timeZone: string): Formats => {
  const byCurrency = new Map<string, Intl.NumberFormat>();
  const clock = new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone,
    timeZoneName: 'short',
  });
  const formatterOf = (currency: string): Intl.NumberFormat => {
    const known = byCurrency.get(currency) ?? new Intl.NumberFormat(locale, { style: 'currency', currency });
    byCurrency.set(currency, known);
    return known;
  };
  return {
    amount: (minor, currency) => {
      const digits = digitsOf(currency);
      if (digits === undefined) return `${minor} minor units of ${currency}`;
      return formatterOf(currency).format(decimal(minor, digits) as Intl.StringNumericLiteral);
    },
    time: (epochMs) => clock.format(epochMs),
  };
};
