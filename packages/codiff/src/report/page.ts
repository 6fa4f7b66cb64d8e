import { type Html, type HtmlPart, html, rawHtml } from './html.js';
import { PAGE_STYLE } from './page-style.js';
import { PLOT_SCRIPT } from './plot-script.js';

/** A report. */
export interface ReportPage {
  readonly title: string;
  /** Below the title. */
  readonly lead?: HtmlPart;
  /** Short facts in one line: what, and its value. */
  readonly chips?: readonly (readonly [string, string])[];
  readonly sections: readonly Html[];
  /** Rules beyond those of every page. */
  readonly style?: string;
  /** A script beyond that of plots; it runs after it. */
  readonly script?: string;
  readonly footer?: HtmlPart;
}

/** No address is ever asked: what a page shows is in it. */
const POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The document of a report: one file that needs no other, and no network. */
export function reportPage({ title, lead, chips = [], sections, style = '', script = '', footer }: ReportPage): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${rawHtml(PAGE_STYLE + style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${lead !== undefined && html`<p class="lead">${lead}</p>`}
${chips.length > 0 && html`<ul class="chips">${chips.map(([name, value]) => html`<li>${name} <b>${value}</b></li>`)}</ul>`}
<noscript><p class="note">Sliders and values under the pointer need JavaScript; everything else is here.</p></noscript>
</header>
<main>
${sections}
</main>
${footer !== undefined && html`<footer>${footer}</footer>`}
<script>${rawHtml(PLOT_SCRIPT + script)}</script>
</body>
</html>
`.text;
}

/** A card of a report. */
export const section = (title: string, ...content: readonly HtmlPart[]): Html =>
  html`<section><h2>${title}</h2>${content}</section>
`;

/** Names and values, row by row; a row without a value is left out. */
export const factsTable = (rows: readonly (readonly [string, HtmlPart])[]): Html =>
  html`<table class="facts"><tbody>${rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
