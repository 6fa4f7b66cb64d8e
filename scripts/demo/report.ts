import { readFile, writeFile } from 'node:fs/promises';
import { dataUri, factsTable, type Html, html, reportPage, section } from '@codiff/codiff';
import type { ShippedRecord } from '../pretrain/shipped-record.js';
import type { DemoRecord } from './record.js';
import type { Samples } from './sample.js';
import { STAGES } from './stages.js';
import type { Finding } from './verdict.js';

/** What the report shows of samples. */
export interface ShownSamples {
  readonly samples: Samples;
  /** A PNG file. */
  readonly picture: string;
}

/** Write the page of a finished demo: samples, held-out measurements, times. */
export async function writeReport(
  path: string,
  record: DemoRecord,
  { findings, ...shown }: ShownSamples & { readonly findings: readonly Finding[] },
): Promise<void> {
  const sections = [
    await samplesSection(shown),
    section(
      'Held-out faces',
      html`<ul>${findings.map(({ ok, text }) => html`<li>${ok ? 'holds' : 'missed'}: ${text}</li>`)}</ul>`,
      record.mode === 'quick' && html`<p>A quick run is not held to the limits.</p>`,
    ),
    section(
      'Training',
      factsTable(
        STAGES.flatMap(({ name }) => {
          const stage = record.stages[name];
          if (stage === undefined) return [];
          const { steps, batchSize, seconds, cpuSeconds, imagesPerSecond } = stage;
          return [
            [
              name,
              `${steps} steps of ${batchSize} images in ${seconds.toFixed(0)} s (${cpuSeconds.toFixed(0)} s of processor), ${imagesPerSecond.toFixed(1)} images/s`,
            ] as const,
          ];
        }),
      ),
    ),
  ];
  await writeFile(
    path,
    demoPage('Four models trained from nothing on drawn faces, on this machine.', record, sections),
  );
}

/** Write the page of images made with the weights that ship. @param shipped their records */
export async function writePretrainedReport(
  path: string,
  record: DemoRecord,
  { shipped, ...shown }: ShownSamples & { readonly shipped: readonly ShippedRecord[] },
): Promise<void> {
  const weights = shipped.map(({ stage, steps, batchSize, weights, heldOut }) => {
    const figures = heldOut.map(({ name, value, n }) => `${name} ${value} (${n} faces)`).join(', ');
    return [
      stage,
      html`${weights.parameters} numbers, ${(weights.bytes / 1e6).toFixed(1)} MB, trained for ${steps} steps of ${batchSize} images; held-out: ${figures}<br><code>${weights.sha256}</code>`,
    ] as const;
  });
  const sections = [
    await samplesSection(shown),
    section(
      'Weights',
      factsTable(weights),
      html`<p>How they were trained: <code>pretrained/demo/README.md</code>.</p>`,
    ),
  ];
  await writeFile(path, demoPage('Images made with the weights that ship with the repository.', record, sections));
}

async function samplesSection({ samples, picture }: ShownSamples): Promise<Html> {
  const image = dataUri('image/png', await readFile(picture));
  return section(
    'Samples',
    html`<p>“${samples.text}” and a mask, both of a face that no model has seen.</p>
<p><img src="${image}" alt="three rows of four images" style="max-width:100%;image-rendering:pixelated"></p>
<p>Rows: ${samples.rows.map(({ what }) => what).join('; ')}. Before them: the face that text and mask describe, the mask, and the
mask's influence on the first image at one step (white: the mask decides).</p>
${samples.rows.map(({ command }) => html`<pre>${command}</pre>`)}`,
  );
}

const demoPage = (lead: string, record: DemoRecord, sections: readonly Html[]): string =>
  reportPage({
    title: 'Collaborative Diffusion: the demo',
    lead,
    chips: [
      ['mode', record.mode],
      ['faces', String(record.faces)],
      ['minutes', (record.seconds / 60).toFixed(1)],
      ['machine', record.machine],
    ],
    sections,
  });
