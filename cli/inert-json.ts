/**
 * A string of JSON text, and what would begin a formula in it: at its
 * beginning, or behind a sign at which a spreadsheet may cut a line.
 */
const STRING = /"(?:[^"\\]|\\.)*"/g;
const FORMULA = /(?<=["'\s,;|:]|\\[tnr])[=+@\-\t\uff0b\uff0d\uff1d\uff20]/g;

/**
 * The same JSON value in signs that no spreadsheet runs: whoever opens the lines as CSV gets a cell for every comma of
 * a customer's text, and one that begins with `=`, `+`, `-` or `@` is a formula there
 * (owasp.org/www-community/attacks/CSV_Injection).
 */
export const inert = (json: string): string =>
  json.replaceAll(STRING, (text) =>
    text.replaceAll(FORMULA, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
