import {
  factsTable,
  formatNumber,
  type Html,
  html,
  jsonData,
  LINE_COLORS,
  linePlot,
  type PlotSeries,
  reportPage,
  section,
} from '@codiff/codiff';
import { MASK_CLASSES } from '../palette.js';
import type { Recipe } from '../recipe.js';
import { MOST_DETAILED } from './report-bytes.js';
import type { ImageSteps, ModalityInfluence, Pane, ReportImage } from './report-image.js';
import { STEPS_SCRIPT } from './steps-script.js';
import { STEPS_STYLE } from './steps-style.js';

/** What a page shows besides the images. */
export interface GenerationPage {
  readonly images: readonly ReportImage[];
  /** Where they lie. */
  readonly folder: string;
  /** The coloured mask, and how many of its pixels each class has. */
  readonly mask?: { readonly name: string; readonly uri: string; readonly pixels: readonly number[] } | undefined;
  /** Sketches and other pictures that were given: a name and an address that holds the picture. */
  readonly pictures?: readonly { readonly name: string; readonly uri: string }[];
  /** Time of making. */
  readonly date: Date;
  /** The images are not all that were asked for. */
  readonly stopped: boolean;
}

/** What a class is, where its name does not say it. */
const GLOSSES: Readonly<Record<string, string>> = {
  eye_g: 'glasses',
  l_eye: 'left eye',
  r_eye: 'right eye',
  l_brow: 'left brow',
  r_brow: 'right brow',
  l_ear: 'left ear',
  r_ear: 'right ear',
  u_lip: 'upper lip',
  l_lip: 'lower lip',
  ear_r: 'earring',
  neck_l: 'necklace',
  cloth: 'clothes',
};
const titles: Readonly<Record<string, string>> = {
  generate: 'Collaborative diffusion',
  text2image: 'Text to image',
  mask2image: 'Mask to image',
};

/** The report page of a run. */
export function generationPage({ images, folder, mask, pictures = [], date, stopped }: GenerationPage): string {
  const [first] = images;
  if (first === undefined) throw new RangeError('report: no image to report on');
  const { recipe } = first;
  const detailed = images.filter(({ steps }) => steps !== undefined);
  return reportPage({
    title: `${titles[recipe.command]}: ${images.length} image${images.length === 1 ? '' : 's'}`,
    lead: recipe.text === undefined ? undefined : `“${recipe.text}”`,
    chips: chipsOf(recipe, images),
    sections: [
      stopped ? section('Stopped', html`<p>The run was stopped; these are the images that were finished.</p>`) : html``,
      inputs(recipe, mask, pictures),
      section(
        'Results',
        gallery(images),
        images.length > detailed.length && html`<p class="note">Steps are shown of the first ${MOST_DETAILED}.</p>`,
      ),
      ...(detailed.length > 0 ? stepSections(detailed) : []),
      settings(images, folder, date),
    ],
    style: STEPS_STYLE,
    script: STEPS_SCRIPT,
    footer: `Made by ${recipe.program}. This file holds all that it shows and asks no network.`,
  });
}

function chipsOf({ sampler, seed, precision, device }: Recipe, images: readonly ReportImage[]): [string, string][] {
  const steps = images[0]?.steps?.timesteps.length;
  return [
    ['sampler', sampler.name],
    ...(steps === undefined ? [] : [['steps', String(steps)] as [string, string]]),
    ...('eta' in sampler ? [['eta', String(sampler.eta)] as [string, string]] : []),
    ['seed', String(seed)],
    ['precision', precision],
    ['device', device],
  ];
}

function inputs(recipe: Recipe, mask: GenerationPage['mask'], pictures: NonNullable<GenerationPage['pictures']>): Html {
  const all = mask ? mask.pixels.reduce((sum, count) => sum + count, 0) : 0;
  return section(
    'Inputs',
    html`<div class="inputs">
${
  mask &&
  html`<figure class="input"><img src="${mask.uri}" alt="The mask, each class in its colour"><figcaption>mask <code>${mask.name}</code></figcaption></figure>
<div><h3>Classes of the mask</h3><ul class="classes">${mask.pixels.map(
    (count, id) =>
      count > 0 &&
      html`<li><i class="swatch" style="background:${colorOf(id)}"></i>${MASK_CLASSES[id]!.name}${GLOSSES[MASK_CLASSES[id]!.name] !== undefined && html` <small>${GLOSSES[MASK_CLASSES[id]!.name]}</small>`} <span>${share(count / all)}</span></li>`,
  )}</ul></div>`
}
${pictures.map(({ name, uri }) => html`<figure class="input"><img src="${uri}" alt="${name}"><figcaption>${name}</figcaption></figure>`)}
${recipe.text !== undefined && html`<div><h3>Text</h3><blockquote>${recipe.text}</blockquote>${recipe.negativeText !== undefined && html`<h3>Away from</h3><blockquote>${recipe.negativeText}</blockquote><p class="note">guidance scale ${recipe.guidanceScale ?? 1}</p>`}</div>`}
</div>`,
  );
}

const gallery = (images: readonly ReportImage[]): Html =>
  html`<div class="gallery">${images.map(
    ({ file, uri, steps }, i) =>
      html`<figure>${
        steps
          ? html`<button type="button" class="pick" data-image="${i}" aria-label="Show the steps of ${file}"><img src="${uri}" alt="${file}"></button>`
          : html`<img src="${uri}" alt="${file}">`
      }<figcaption><code>${file}</code></figcaption></figure>`,
  )}</div>`;

function stepSections(images: readonly ReportImage[]): Html[] {
  const { steps } = images[0] as { steps: ImageSteps };
  const data = {
    timesteps: steps.timesteps,
    shown: steps.shown,
    classes: MASK_CLASSES.map(({ name }) => name),
    labels: steps.labels && {
      side: steps.labels.width,
      letters: String.fromCharCode(...steps.labels.ids.map((id) => 65 + id)),
    },
  };
  const isMixed = steps.modalities.length > 0;
  const preview = steps.panes.find((pane) => pane.kind === 'picture' && pane.explained !== undefined);
  return [
    section(
      'Step by step',
      html`<p class="note">${
        isMixed
          ? 'Every step mixes what the models predict as noise. An influence map says, pixel by pixel, how much of the mix comes from one modality; in every pixel the maps add up to 1.'
          : 'From noise to the image.'
      }${steps.shown.length < steps.timesteps.length && ` ${steps.shown.length} of ${steps.timesteps.length} steps are shown; the curves have all.`}</p>
<div class="player">
<button type="button" id="play" aria-pressed="false">Play</button>
<input type="range" id="step" min="0" max="${steps.shown.length - 1}" value="0" step="1" aria-label="Step">
<output id="where"></output>
</div>
<div class="switches">
${isMixed && html`<label>colours <select id="range"><option value="whole">from 0 to 1</option><option value="own">over this image’s range</option></select></label>`}
${isMixed && steps.labels && html`<label><input type="checkbox" id="outline"> outlines of the mask</label>`}
<output id="probe"></output>
</div>
${images.map(({ file, steps }, i) => html`<div class="steps" data-image="${i}"${i > 0 && html` hidden`}>${images.length > 1 && html`<h3><code>${file}</code></h3>`}<div class="panes">${steps!.panes.map(pane)}</div></div>`)}
${isMixed && html`<div class="scale"><span id="low">0</span><i></i><span id="high">1</span><small>influence (share of the mix)</small></div>`}
${preview?.kind === 'picture' && html`<p class="note">x_t and predicted x_0 are previews: each pixel of the latents through one linear map, fitted to the result by least squares (it explains ${share(preview.explained!)} of the first image’s variance). <code>--display_x_inter</code> decodes every step instead.</p>`}
<script type="application/json" id="steps-data">${jsonData(data)}</script>`,
    ),
    ...(isMixed ? [curves(images)] : []),
  ];
}

function pane(each: Pane): Html {
  const { columns, rows, uri } = each.sprite;
  const common = html`data-columns="${columns}" data-rows="${rows}"`;
  if (each.kind === 'picture') {
    return html`<figure class="pane"><div class="frame"><img class="sprite" ${common} style="width:${100 * columns}%;height:${100 * rows}%" src="${uri}" alt="${each.caption} at this step"></div><figcaption>${each.caption}${each.explained !== undefined && html` <small>preview</small>`}</figcaption></figure>`;
  }
  return html`<figure class="pane"><div class="frame"><img class="maps" ${common} hidden src="${uri}" alt=""><canvas data-low="${each.range[0]}" data-high="${each.range[1]}" role="img" aria-label="Influence of ${each.caption} at this step"></canvas><svg xmlns="http://www.w3.org/2000/svg" class="outline" hidden aria-hidden="true"><path/></svg></div><figcaption>influence of ${each.caption} <small class="mean"></small></figcaption></figure>`;
}

function curves(images: readonly ReportImage[]): Html {
  const hasClasses = images.some(({ steps }) => steps!.labels !== undefined);
  return section(
    'Influence over time',
    html`<p class="note">${
      hasClasses
        ? 'Mean influence over the pixels of each class of the mask, at the size of the influence maps. A class too small to have a pixel there is left out. '
        : ''
    }Sampling runs from left to right. In generation the mask counts double and its influence falls with t along a cosine, as in the original’s sampler, so that towards the end the text decides. Click into a plot to go to that step; click a name to hide its line.</p>
${images.map(({ steps }, i) => html`<div class="plots" data-image="${i}"${i > 0 && html` hidden`}>${whole(steps!, i)}${steps!.modalities.map((modality) => modality.classes.length > 0 && byClass(steps!, modality, i))}</div>`)}
<button type="button" id="csv">Save the numbers as CSV</button>`,
  );
}

const time = { label: 'timestep t (1000: noise, 0: image)', reversed: true } as const;

const whole = ({ timesteps, modalities }: ImageSteps, image: number): Html =>
  linePlot({
    id: `influence-${image}`,
    title: 'All pixels',
    x: time,
    y: { label: 'mean influence (share of the mix)', range: [0, 1] },
    series: modalities.map(({ name, mean }) => ({ name, style: 'strong', points: pairs(timesteps, mean) })),
  });

const byClass = ({ timesteps }: ImageSteps, { name, mean, classes }: ModalityInfluence, image: number): Html =>
  linePlot({
    id: `influence-${image}-${name}`,
    title: `Influence of ${name} by class`,
    x: time,
    y: { label: 'mean influence (share of the mix)' },
    series: [
      ...classes.map(
        ({ label, means }): PlotSeries => ({
          name: MASK_CLASSES[label]!.name,
          swatch: colorOf(label),
          points: pairs(timesteps, means),
        }),
      ),
      { name: 'all pixels', style: 'strong', look: LINE_COLORS - 1, points: pairs(timesteps, mean) },
    ],
  });

function settings(images: readonly ReportImage[], folder: string, date: Date): Html {
  const { recipe, file } = images[0]!;
  const { config, checkpoint, mask, sketch, sampler, seed, precision, device, threads, branches, tensorflow, freeU } =
    recipe;
  const hash = (sha256: string) => html`<br><small>SHA-256 ${sha256}</small>`;
  return section(
    'Recipe',
    factsTable([
      ['made', date.toISOString().replace('T', ' ').slice(0, 19).concat(' UTC')],
      ['command', html`<code>codiff ${recipe.command}</code>, into <code>${folder}</code>`],
      ['again', html`<code>codiff ${recipe.command} --from ${shellQuoted(`${folder}/${file}`)}</code>`],
      ['config', html`<code>${config.path}</code>${hash(config.sha256)}`],
      ['checkpoint', html`<code>${checkpoint.path}</code>${hash(checkpoint.sha256)}`],
      ['mask', mask && html`<code>${mask.path}</code>${hash(mask.sha256)}`],
      ['sketch', sketch && html`<code>${sketch.path}</code>${hash(sketch.sha256)}`],
      ['text', recipe.text],
      ['away from', recipe.negativeText],
      [
        'sampler',
        Object.entries(sampler)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
      ],
      [
        'FreeU',
        freeU &&
          Object.entries(freeU)
            .map(([name, value]) => `${name} ${value}`)
            .join(', '),
      ],
      ['seed', String(seed)],
      ['batches', batchesOf(images)],
      [
        'computed',
        `${precision} on ${device}, ${threads} thread${threads === 1 ? '' : 's'}${branches === 1 ? '' : ` for ${branches} branches`}, TensorFlow ${tensorflow}`,
      ],
    ]),
    html`<details><summary>The recipe of the first image, as the PNG carries it</summary><pre>${JSON.stringify(recipe, null, 2)}</pre></details>`,
  );
}

function batchesOf(images: readonly ReportImage[]): string {
  const sizes = new Map(images.map(({ recipe }) => [recipe.firstIndex, recipe.batchSize]));
  return [...sizes.values()].join(' + ');
}

const pairs = (x: readonly number[], y: readonly number[]): [number, number][] => x.map((each, i) => [each, y[i]!]);
/** A word of a command line. */
const shellQuoted = (word: string): string => (/^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
const colorOf = (id: number): string => `rgb(${MASK_CLASSES[id]!.color.join()})`;
const share = (value: number): string => `${formatNumber(Number((100 * value).toPrecision(3)))} %`;

/** Pixels of each class of a mask. */
export function classPixels({ ids }: { readonly ids: Uint8Array }): number[] {
  const pixels = MASK_CLASSES.map(() => 0);
  for (const id of ids) pixels[id]!++;
  return pixels;
}
