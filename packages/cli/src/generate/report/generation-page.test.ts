import type { ImageBatch } from '@codiff/codiff';
import { describe, expect, it } from 'vitest';
import { expectWellFormed } from '../../../../codiff/test/well-formed.js';
import type { Recipe } from '../recipe.js';
import { classPixels, generationPage } from './generation-page.js';
import { type FinishedImage, GenerationReport } from './generation-report.js';
import { MOST_DETAILED, MOST_STEPS, reportBytes } from './report-bytes.js';
import { shownSteps } from './shown-steps.js';

const HOSTILE = `</script><script>alert(1)</script>"' onload='x`;
const hash = 'a'.repeat(64);
const recipe: Recipe = {
  version: 1,
  program: 'codiff 0.1.0',
  command: 'generate',
  config: { path: 'configs/x.yaml', sha256: hash },
  checkpoint: { path: HOSTILE, sha256: hash },
  text: HOSTILE,
  mask: { path: HOSTILE, sha256: hash },
  sampler: { name: 'ddim', steps: 2, eta: 1 },
  seed: 3,
  batchSize: 1,
  firstIndex: 0,
  batchIndex: 0,
  precision: 'float32',
  packWeights: true,
  device: 'cpu',
  threads: 1,
  branches: 1,
  tensorflow: '2.21.0',
};
const batch = (shape: ImageBatch['shape'], ...values: number[]): ImageBatch => ({
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => values[i % values.length]!),
  shape,
});

// Two steps; a mask whose left half is skin (1) and whose right half is hair (13); three modalities.
const ids = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 64 < 32 ? 1 : 13));
const mask = { name: '<3>.png', ids, height: 64, width: 64 };
const finished: FinishedImage = {
  file: '000000_x_0.png',
  image: { values: new Uint8Array(16 * 16 * 3).fill(90), height: 16, width: 16, channels: 3 },
  z: batch([1, 2, 2, 3], 0.1, -0.2, 0.3, 1),
  timesteps: [501, 1],
  latents: { x_inter: batch([2, 2, 2, 3], 0.4, 0.1), pred_x0: batch([2, 2, 2, 3], 0.2, 0.3) },
  decoded: {},
  influence: {
    seg_mask: { values: Float32Array.of(0.25, 0.5, 0.75, 0.5, 0, 0.125, 0, 0.375), shape: [2, 2, 2, 1] },
    text: { values: Float32Array.of(0.5, 0.25, 0.25, 0.5, 1, 0.5, 1, 0.5), shape: [2, 2, 2, 1] },
    sketch: { values: Float32Array.of(0.25, 0.25, 0, 0, 0, 0.375, 0, 0.125), shape: [2, 2, 2, 1] },
  },
};

async function pageOf(count: number, each: Partial<FinishedImage> = {}): Promise<string> {
  const report = new GenerationReport(mask, 16);
  for (let i = 0; i < count; i++) await report.add({ ...finished, ...each, file: `00000${i}_x_0.png` }, recipe);
  return generationPage({
    images: report.images,
    folder: `out/${HOSTILE}`,
    mask: { name: mask.name, uri: 'data:image/png;base64,', pixels: classPixels(mask) },
    date: new Date(0),
    stopped: false,
  });
}

/** The data of a plot: points by the name of their line. */
function plotOf(page: string, id: string): Record<string, [number, number][]> {
  const at = page.indexOf(`id="${id}"`);
  expect(at).toBeGreaterThan(0);
  const json = /class="plot-data">(.*?)<\/script>/.exec(page.slice(at))![1]!;
  const { series } = JSON.parse(json) as { series: { name: string; points: [number, number][] }[] };
  return Object.fromEntries(series.map(({ name, points }) => [name, points]));
}

describe('the page of a run', () => {
  it('plots the means that were recorded, by class and modality', async () => {
    const page = await pageOf(1);
    expect(plotOf(page, 'influence-0-seg_mask')).toEqual({
      skin: [
        [501, 0.5],
        [1, 0],
      ],
      hair: [
        [501, 0.5],
        [1, 0.25],
      ],
      'all pixels': [
        [501, 0.5],
        [1, 0.125],
      ],
    });
    expect(plotOf(page, 'influence-0-text')).toMatchObject({
      skin: [
        [501, 0.375],
        [1, 1],
      ],
    });
    expect(Object.keys(plotOf(page, 'influence-0'))).toEqual(['seg_mask', 'text', 'sketch']);
    expect(plotOf(page, 'influence-0').sketch).toEqual([
      [501, 0.125],
      [1, 0.125],
    ]);
    expect(page).toContain('influence of sketch');
    expect(page).toContain('50 %');
  });

  it('is well-formed, needs no network, and shows hostile texts as texts', async () => {
    const page = await pageOf(2);
    expectWellFormed(page);
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('<small>preview</small>');
  });

  it('shows one model alone without influence', async () => {
    const page = await pageOf(1, { influence: {} });
    expectWellFormed(page);
    expect(page).not.toContain('Influence over time');
    expect(page).toContain('predicted x_0');
  });

  it('shows decoded steps where there are any', async () => {
    const decoded = { x_inter: batch([2, 16, 16, 3], 0.4), pred_x0: batch([2, 16, 16, 3], 0.2) };
    expect(await pageOf(1, { decoded })).not.toContain('<small>preview</small>');
  });

  it('bounds its size: steps of the first images only, and some steps of many', async () => {
    const page = await pageOf(MOST_DETAILED + 1);
    expect(page.match(/class="steps"/g)).toHaveLength(MOST_DETAILED);
    expect(page.match(/<figcaption><code>/g)).toHaveLength(MOST_DETAILED + 1);
    expect(shownSteps(4)).toEqual([0, 1, 2, 3]);
    const shown = shownSteps(1000);
    expect([shown.length, shown[0], shown.at(-1), new Set(shown).size]).toEqual([MOST_STEPS, 0, 999, MOST_STEPS]);
    expect(reportBytes(1, 16, 2)).toBeGreaterThan((await pageOf(1)).length);
  });
});
