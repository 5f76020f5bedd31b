import type { Subject } from '../subject.ts';
import { html, plain, slack } from './escapes.ts';
import type { Formats } from './formats.ts';
import { fillTemplate } from './template.ts';
import type { Template } from './template.ts';
import { valuesOf } from './variables.ts';

/** What a message says: one line for a subject or a heading, and the text below it. */
export interface Words {
  readonly title: Template;
  readonly text: Template;
}

/** Everything a channel needs to say one thing. Made anew for each attempt, from the row as it stands then. */
export interface Message {
  /** The fact's kind, or `<what>.reminder` for a reminder; receivers of signed HTTP branch on it. */
  readonly type: string;
  readonly rule: string;
  readonly subject: Subject;
  readonly reminder: { readonly before: string; readonly at: number; readonly hours: number } | null;
  readonly words: Words;
  readonly formats: Formats;
}

export interface Written {
  readonly title: string;
  readonly text: string;
}

/** The three forms of the same words. Slack's heading is plain text, so only its body is mrkdwn. */
export const writePlain = (message: Message): Written => write(message, plain.value, plain);
export const writeSlack = (message: Message): Written => write(message, plain.value, slack);
export const writeHtml = (message: Message): Written => write(message, html.value, html);

/** A title becomes one line as a whole, so it can be a mail's subject. */
const write = (message: Message, title: (line: string) => string, text: typeof plain): Written => {
  const values = valuesOf(message.subject, message.reminder, message.formats);
  return {
    title: title(fillTemplate(message.words.title, values, plain)),
    text: fillTemplate(message.words.text, values, text),
  };
};
