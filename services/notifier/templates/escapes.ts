import type { Escapes } from './template.ts';

/** Longest value that is shown, in characters; a customer can write a book into some fields. */
const VALUE_LENGTH_MAX = 300;
/** Control characters, line breaks of every kind, and the invisible ones that reverse the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
/** What nobody sees: it would hide a part of a value, or make two that look the same. */
const INVISIBLE =
  /\p{Cf}|\u034f|\u2800|[\u180b-\u180f\ufe00-\ufe0f]|\u115f|\u1160|\u17b4|\u17b5|\u3164|\uffa0|[\u{e0100}-\u{e01ef}]/gu;

/** One line of printable text: nothing in it can begin a new line, a header, or run backwards. */
const oneLine = (value: string): string => {
  const characters = [
    ...value
      .slice(0, (VALUE_LENGTH_MAX + 1) * 2)
      .toWellFormed()
      .replaceAll(UNPRINTABLE, ' ')
      .replaceAll(INVISIBLE, '')
      .trim(),
  ];
  return characters.length <= VALUE_LENGTH_MAX
    ? characters.join('')
    : `${characters.slice(0, VALUE_LENGTH_MAX - 1).join('')}…`;
};

const entities = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text where no character means anything. */
export const plain: Escapes = { text: (text) => text, value: oneLine };

/**
 * An asterisk and its like would be formatting, and make a value look
 * like the operator's words; these look the same and are not.
 */
const SLACK_FORMATTING: Readonly<Record<string, string>> = { '*': '∗', '~': '∼', '`': 'ˋ', _: 'ˍ', ':': '∶' };
/**
 * An underscore makes italics at the edge of a word only, and a colon an emoji only around a name: within ids, times
 * and addresses they stay. The edges of a value count as a colon, because the operator's words may have one there.
 */
const SLACK_MARKS =
  /[*~`]|(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])|:(?!\/\/)(?=[a-z0-9_+'-]+(?:::[a-z0-9_+'-]+)?(?::|$))|(?<=(?:^|:)[a-z0-9_+'-]+):(?!\/\/)/giu;

/**
 * Slack's mrkdwn: `&`, `<` and `>` are all that can begin a mention or a
 * link (docs.slack.dev/messaging/formatting-message-text, "Escaping text").
 * The operator's words keep their meaning, so they may link and mention.
 */
export const slack: Escapes = {
  text: (text) => text,
  value: (value) =>
    entities(oneLine(value)).replaceAll(SLACK_MARKS, (marks) =>
      [...marks].map((character) => SLACK_FORMATTING[character] ?? character).join(''),
    ),
};

const htmlText = (text: string): string => entities(text).replaceAll('"', '&quot;').replaceAll("'", '&#39;');

/** HTML: neither the words nor the values are markup; line breaks of the words are kept. */
export const html: Escapes = {
  text: (text) => htmlText(text).replaceAll('\n', '<br>\n'),
  value: (value) => htmlText(oneLine(value)),
};
