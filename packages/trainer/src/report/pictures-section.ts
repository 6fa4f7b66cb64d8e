import { dataUri, type Html, html } from '@codiff/codiff';
import sharp from 'sharp';
import type { LoggedPicture } from './run-files.js';

/** Moments of a picture that are shown, the first and the last among them. */
const MOST_MOMENTS = 6;
/** Width and height above which a picture is made smaller. */
const MOST_WIDTH = 800;
const MOST_HEIGHT = 1200;

/** Kinds of pictures, what tells most first. */
const ORDER = ['samples', 'reconstruction', 'inputs', 'conditioning', 'progressive_row', 'diffusion_row'];

/**
 * The pictures that were logged, each at up to {@link MOST_MOMENTS} steps, and a slider where there are several.
 * A file that cannot be decoded is left out, and named.
 */
export async function picturesSection(pictures: ReadonlyMap<string, readonly LoggedPicture[]>): Promise<Html> {
  const rank = (key: string): number => {
    const at = ORDER.findIndex((name) => key.includes(`/${name}`));
    return at < 0 ? ORDER.length : at;
  };
  const split = (key: string): number => Number(!key.startsWith('val/'));
  const sorted = [...pictures].sort(([a], [b]) => rank(a) - rank(b) || split(a) - split(b));
  const unread: string[] = [];
  const figures: Html[] = [];
  for (const [key, all] of sorted) {
    const shown: { readonly uri: string; readonly step: number; readonly epoch: number }[] = [];
    for (const { path, step, epoch } of moments(all)) {
      try {
        shown.push({ uri: await smallUri(path), step, epoch });
      } catch {
        unread.push(path);
      }
    }
    if (shown.length > 0) figures.push(figure(key, shown));
  }
  return html`<div class="logged">${figures}</div>${unread.length > 0 && html`<p class="note">Not decoded: ${unread.join(', ')}</p>`}`;
}

/** Evenly spread ones, with the first and the last. */
function moments(all: readonly LoggedPicture[]): readonly LoggedPicture[] {
  if (all.length <= MOST_MOMENTS) return all;
  return Array.from({ length: MOST_MOMENTS }, (_, i) => all[Math.round((i * (all.length - 1)) / (MOST_MOMENTS - 1))]!);
}

async function smallUri(path: string): Promise<string> {
  const jpeg = await sharp(path)
    .resize({ width: MOST_WIDTH, height: MOST_HEIGHT, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 85, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return dataUri('image/jpeg', jpeg);
}

function figure(key: string, shown: readonly { uri: string; step: number; epoch: number }[]): Html {
  const last = shown.length - 1;
  return html`<figure class="moments"><figcaption>${key}</figcaption>
${shown.length > 1 && html`<input type="range" min="0" max="${last}" value="${last}" aria-label="Moment of ${key}">`}
${shown.map(({ uri, step, epoch }, i) => html`<div${i !== last && html` hidden`}><img src="${uri}" alt="${key} at step ${step}"><small>step ${step}, epoch ${epoch}</small></div>`)}
</figure>`;
}

/** The look of the pictures. */
export const PICTURES_STYLE = `
.logged{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:20px;margin-top:10px;align-items:start}
.moments img{border-radius:6px;width:100%;image-rendering:auto}
.moments input{width:100%;accent-color:var(--accent)}
.moments small{color:var(--soft)}
[hidden]{display:none!important}
`;

/** Sliders of pictures. */
export const PICTURES_SCRIPT = `
for (const figure of document.querySelectorAll('.moments')) {
  const parts = figure.querySelectorAll('div');
  figure.querySelector('input')?.addEventListener('input', (event) => {
    parts.forEach((part, i) => { part.hidden = i !== Number(event.target.value); });
  });
}
`;
