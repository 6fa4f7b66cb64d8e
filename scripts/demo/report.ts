import { readFile, writeFile } from 'node:fs/promises';
import { dataUri, factsTable, html, reportPage, section } from '@codiff/codiff';
import type { DemoRecord } from './record.js';
import type { Samples } from './sample.js';
import { STAGES } from './stages.js';
import type { Finding } from './verdict.js';

/** Write the page of a finished demo: samples, held-out measurements, times. @param picture a PNG file */
export async function writeReport(
  path: string,
  record: DemoRecord,
  { samples, picture, findings }: { samples: Samples; picture: string; findings: readonly Finding[] },
): Promise<void> {
  const image = dataUri('image/png', await readFile(picture));
  const sections = [
    section(
      'Samples',
      html`<p>“${samples.text}” and a mask, both of a face that no model has seen.</p>
<p><img src="${image}" alt="three rows of four images" style="max-width:100%;image-rendering:pixelated"></p>
<p>Rows: ${samples.rows.map(({ what }) => what).join('; ')}. Before them: the face that text and mask describe, the mask, and the
mask's influence on the first image at one step (white: the mask decides).</p>
${samples.rows.map(({ command }) => html`<pre>${command}</pre>`)}`,
    ),
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
  const page = reportPage({
    title: 'Collaborative Diffusion: the demo',
    lead: 'Four models trained from nothing on drawn faces, on this machine.',
    chips: [
      ['mode', record.mode],
      ['faces', String(record.faces)],
      ['minutes', (record.seconds / 60).toFixed(1)],
      ['machine', record.machine],
    ],
    sections,
  });
  await writeFile(path, page);
}
