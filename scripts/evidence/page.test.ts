import { describe, expect, it } from 'vitest';
import { METHODS, type Method } from './methods.js';
import { normaliseGrid } from './mix-weight.js';
import { evidencePage } from './page.js';
import { type EvidenceRecord, METRICS } from './record.js';

const BIAS = { frechet: { bias: 2, scatter: 1 }, mask_miou: { bias: 0.01, scatter: 0.02 } };
const rows = METHODS.flatMap((method, i) =>
  METRICS.map((metric) => ({ method, metric, value: 0.5 + i / 100, low: 0.4, high: 0.7, n: 500 })),
);
const record: EvidenceRecord = {
  version: 1,
  date: '2026-01-02',
  rows,
  real: [{ method: 'real', metric: 'mask_accuracy', value: 0.98, low: 0.97, high: 0.99, n: 500 }],
  claims: {
    consistency: [
      claim('collaborative', 'text-only', 'mask_accuracy', 'holds'),
      claim('collaborative', 'text-only', 'both', 'holds'),
      claim('collaborative', 'fixed-mix', 'mask_accuracy', 'does not hold'),
      claim('collaborative', 'mask-only', 'text_consistency', 'is not decided'),
      claim('collaborative-generate', 'mask-only', 'mask_accuracy', 'holds'),
      claim('collaborative-generate', 'mask-only', 'text_consistency', 'holds'),
    ],
    quality: [
      {
        method: 'collaborative',
        baseline: 'mask-only',
        difference: 1.25,
        low: 0.5,
        high: 2,
        n: 500,
        verdict: 'does not hold',
      },
      {
        method: 'collaborative',
        baseline: 'fixed-mix',
        difference: 0.25,
        low: -0.5,
        high: 1,
        n: 500,
        verdict: 'is not decided',
      },
      {
        method: 'collaborative-generate',
        baseline: 'mask-only',
        difference: -0.5,
        low: -0.75,
        high: -0.125,
        n: 500,
        verdict: 'holds',
      },
    ],
  },
  fixedMix: 0.4,
  grid: normaliseGrid([
    { weight: 0, mask_accuracy: 0.5, text_consistency: 0.9 },
    { weight: 0.4, mask_accuracy: 0.8, text_consistency: 0.8 },
    { weight: 1, mask_accuracy: 0.9, text_consistency: 0.5 },
  ]),
  sampler: 'ddim',
  sampling: { steps: 50, eta: 1, seed: 1 },
  pairs: { test: 500, validation: 100, twice: 100, reference: 1000 },
  configs: ['pretrained/demo/codiff.yaml'],
  hashes: { 'pretrained/demo/text.safetensors': 'abc' },
  heldOut: { first: 8000, count: 1000, seed: 7 },
  quick: {
    pairs: 50,
    twice: 25,
    bias: Object.fromEntries(METHODS.map((method) => [method, BIAS])) as Record<Method, typeof BIAS>,
  },
  seconds: { measuring: 61, 'images of the table': 4000 },
  machine: 'a machine, 2 cores',
  load: 0.1,
  warnings: [],
  pictures: [{ file: 'evidence/edits.png', title: 'edits', words: ['one', 'two'], bytes: 1 }],
};

function claim(
  method: 'collaborative' | 'collaborative-generate',
  baseline: 'text-only' | 'mask-only' | 'fixed-mix',
  metric: 'mask_accuracy' | 'text_consistency' | 'both',
  verdict: 'holds' | 'does not hold' | 'is not decided',
) {
  return { method, baseline, metric, difference: -0.01, low: -0.02, high: 0.03, n: 500, verdict };
}

describe('docs/evidence.md', () => {
  const page = evidencePage(record);

  it('says in words what the numbers say', () => {
    expect(page).toContain(
      '– it follows the two together better than text-only; it follows the mask better than text-only, worse',
    );
    expect(page).toContain('it follows the mask better than text-only, worse than fixed-mix;');
    expect(page).toContain('it follows the text neither better nor worse than mask-only as far as these pairs tell;');
    expect(page).toContain(
      'its image quality is below that of mask-only, and cannot be told from that of fixed-mix by these images. The claim as a whole does **not** hold',
    );
    expect(page).toContain('its image quality is not below that of any baseline. The claim holds');
    expect(page).toContain('| collaborative | mask-only | +1.25 [+0.50, +2.00] | 500 | **does not hold** |');
    expect(page).toContain('| collaborative-generate | mask-only | -0.50 [-0.75, -0.13] | 500 | holds |');
    expect(page).toContain('Each of the 9 intervals stands for itself');
    expect(page).toContain('The claim holds for it: every statement below does.');
    expect(page).toContain('-0.0100 [-0.0200, +0.0300]');
  });

  it('has every value with its interval, the grid, pictures, times, weights', () => {
    for (const metric of METRICS) expect(page).toContain(metric);
    expect(page).toContain('| **fixed-mix** | 0.520 [0.400, 0.700]');
    expect(page).toContain('here the mask has 0.4, the text 0.6');
    expect(page).toMatch(/\| \*\*0\.4\*\* \| 0\.8000 \| 0\.8000 \| 0\.750 \| 0\.750 \| \*\*0\.750\*\* \|/);
    expect(page).toContain('![edits](evidence/edits.png)');
    expect(page).toContain('| images of the table | 1 h 07 min |');
    expect(page).toContain('SHA-256 `abc`');
    expect(page).toContain('| the real drawings | 0.980 [0.970, 0.990] | – |');
    expect(page).toContain('Not measured yet');
  });

  it('says what was tried, where something was', () => {
    expect(page).not.toContain('## What was tried');
    expect(evidencePage(record, 'Longer training.\n')).toContain(
      '## What was tried\n\nLonger training.\n\n## The table',
    );
  });

  it('shows the ablations beside their control', () => {
    const withAblations = evidencePage({
      ...record,
      ablations: {
        runs: [
          { name: 'control', config: 'pretrained/demo/codiff.yaml', steps: 700, seconds: 500 },
          { name: 'constant_over_time', config: 'configs/ablations/constant_over_time.yaml', steps: 700, seconds: 510 },
          { name: 'collaborative', config: null, steps: null, seconds: null },
        ],
        rows: [{ method: 'control', metric: 'mask_accuracy', value: 0.9, low: 0.8, high: 0.95, n: 200 }],
        differences: [
          { name: 'constant_over_time', metric: 'frechet', difference: -11.25, low: -20, high: 1, n: 200 },
          { name: 'constant_over_time', metric: 'mask_accuracy', difference: -0.01, low: -0.02, high: -0.005, n: 200 },
        ],
        machine: 'a machine',
        load: 0,
      },
    });
    expect(withAblations).toContain('| control | 700, 8 min | 0.900 [0.800, 0.950] | – |');
    expect(withAblations).toContain('| collaborative | as shipped | – |');
    expect(withAblations).toContain(
      '| constant_over_time | **-0.0100 [-0.0200, -0.0050]** | – | – | -11.25 [-20.00, +1.00] |',
    );
    expect(withAblations).toContain('told timestep 0 at every step');
    expect(withAblations).not.toContain('Not measured yet');
  });
});
