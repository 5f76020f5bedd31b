import { slack } from '../templates/escapes.ts';
import { personalIn } from '../subject.ts';
import { writeSlack } from '../templates/words.ts';
import type { Message } from '../templates/words.ts';
import type { Channel } from './channel.ts';
import { createPoster } from './post.ts';
import type { PostTarget } from './post.ts';

/** Limits of Block Kit (docs.slack.dev/reference/block-kit/blocks): header 150 characters, section 3000. */
const HEADER_MAX = 150;
const SECTION_MAX = 3_000;

/** Slack's incoming webhook. Its URL is a secret. */
export const createSlack = (target: PostTarget): Channel => {
  const poster = createPoster(target);
  return {
    deliver: async (message, { signal }) =>
      poster.post(
        {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(slackBody(message)),
          personal: personalIn(message.subject),
        },
        signal,
      ),
    close: async () => poster.close(),
  };
};

/**
 * `verbatim` keeps Slack from making links and mentions of what only looks like
 * them (docs.slack.dev/reference/block-kit/ composition-objects/text-object).
 * `text` is what a notification on a phone shows; it is mrkdwn, so it is escaped.
 */
const slackBody = (message: Message) => {
  const { title, text } = writeSlack(message);
  return {
    text: slack.value(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, HEADER_MAX), emoji: false } },
      { type: 'section', text: { type: 'mrkdwn', text: cut(text, SECTION_MAX), verbatim: true } },
    ],
  };
};

/** Slack refuses the whole message when one text is too long. An entity that the cut would halve is left out. */
const cut = (text: string, length: number): string =>
  text.length <= length
    ? text
    : `${text
        .slice(0, length - 1)
        .replace(/&[a-z]{0,3}$/, '')
        .toWellFormed()}…`;
