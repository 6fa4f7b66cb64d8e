/** Markup that is safe to show as it stands: made by {@link html}, or declared safe by {@link rawHtml}. */
export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

/** What may stand between the markup of {@link html}; undefined and false leave nothing. */
export type HtmlPart = Html | string | number | undefined | false | readonly HtmlPart[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters that no HTML document may contain. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

/** Halves of letters that are written in two. */
const LONE = /\p{Surrogate}/gu;

/** Text as markup that shows it, between tags and inside quoted attributes alike. */
export const escapeHtml = (text: string): string =>
  text
    .replace(FORBIDDEN, '\ufffd')
    .replace(LONE, '\ufffd')
    .replace(/[&<>"']/g, (letter) => ESCAPES[letter]!);

/** A template of markup: texts and numbers in it are escaped, markup in it is not. */
export function html(markup: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(markup.map((text, i) => text + (i < parts.length ? show(parts[i]) : '')).join(''));
}

function show(part: HtmlPart): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return part.map(show).join('');
}

/** Markup, styles or a script of our own, as they stand. Never for what a user or a file gives. */
export const rawHtml = (text: string): Html => new Html(text);

/** A value as the content of `<script type="application/json">`: nothing in it can end the element. */
export const jsonData = (value: unknown): Html =>
  new Html(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
