import { fileURLToPath } from 'node:url';
import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BenchSpec } from '../case.js';
import type { BenchRow } from '../row.js';
import { openBenchModel } from './bench-model.js';
import { differenceOf } from './compare.js';
import { flopsOf } from './flops.js';
import { probe } from './inputs.js';
import { modelCase } from './model-case.js';
import { peerSpec } from './peer-spec.js';
import type { ModelBench, ModelSettings } from './settings.js';
import { modelRatios } from './suite.js';

const CONFIGS = fileURLToPath(new URL('../../../../parity/fixtures/configs/', import.meta.url));

/** Every benchmark with a tiny config. */
const CASES: readonly [ModelBench, string, Partial<ModelSettings>][] = [
  ['unet', 'tiny_text.yaml', {}],
  ['dynamic-diffuser', '../../../../configs/demo_codiff_mask_text.yaml', {}],
  ['codiff-step', '../../../../configs/demo_codiff_mask_text.yaml', {}],
  ['vae-decode', 'tiny_vae.yaml', {}],
  ['vae-encode', 'tiny_text.yaml', {}],
  ['text-encoder', 'tiny_text.yaml', {}],
  ['train-step', 'tiny_text.yaml', { ema: true }],
  ['train-step', 'tiny_mask.yaml', { optimizer: false, recompute: false }],
  ['train-step', 'tiny_mask.yaml', { full: true }],
  ['generate', '../../../../configs/demo_codiff_mask_text.yaml', {}],
];

const settingsOf = (config: string, more: Partial<ModelSettings>): ModelSettings => ({
  config: CONFIGS + config,
  ...{ recompute: true, full: false, ema: false, optimizer: true, steps: 2, ...more },
});
const specOf = (name: string): BenchSpec => ({
  ...{ name, phase: 'forward', mode: 'compiled', precision: 'float32', batch: 2 },
});

describe('modelCase', () => {
  beforeAll(async () => {
    await useEngine({ threads: 2 });
  });

  it.each(CASES)('%s of %s runs, gives the same twice, and says what it computed', async (name, config, more) => {
    const bench = await modelCase(specOf(name), settingsOf(config, more));
    const calls: string[] = [];
    await bench.run(() => calls.push('called'));
    const first = bench.probe?.();
    await bench.run(() => calls.push('called'));
    expect(calls).toHaveLength(2);
    if (name === 'generate') return;
    expect(first!.every(Number.isFinite)).toBe(true);
    expect(first!.some((value) => value !== 0)).toBe(true);
    // A training step changes the weights, and the whole one draws anew.
    if (name !== 'train-step' || more.optimizer === false) expect(bench.probe!()).toEqual(first);
    if (typeof bench.flops === 'function') expect(await bench.flops()).toBeGreaterThan(1e6);
  });

  it('says which config it wants where it is given another', async () => {
    await expect(modelCase(specOf('unet'), settingsOf('tiny_vae.yaml', {}))).rejects.toThrow(
      /bench unet: .*tiny_vae.yaml describes no such model; wanted a latent diffusion model/,
    );
    await expect(modelCase(specOf('text-encoder'), settingsOf('tiny_mask.yaml', {}))).rejects.toThrow(
      /has no text encoder; wanted e.g. configs\/512_text.yaml/,
    );
  });
});

describe('what a peer is told', () => {
  it.each(CASES)('%s of %s: sizes and options under the names of config files', async (name, config, more) => {
    const model = settingsOf(config, more);
    const spec = peerSpec(await openBenchModel(name, model.config), specOf(name), model, {
      threads: 2,
      forms: ['eager'],
    });
    expect(spec).toMatchObject({ bench: name, batch: 2, threads: 2, forms: ['eager'], precision: 'float32' });
    const told = JSON.stringify(spec);
    expect(told).not.toMatch(/"[a-z]+[A-Z]/);
    const parts = {
      unet: 'unet',
      'dynamic-diffuser': 'diffuser',
      'vae-decode': 'vae',
      'text-encoder': 'text',
    } as const;
    expect(spec).toHaveProperty(name in parts ? parts[name as keyof typeof parts] : 'bench');
  });
});

describe('flopsOf', () => {
  const kernel = (name: string, inputShapes: number[][], output: number[]) =>
    flopsOf({ name, inputShapes, outputShapes: [output] });

  it('counts two operations for each product that is summed', () => {
    expect(
      kernel(
        'Conv2D',
        [
          [1, 8, 8, 3],
          [3, 3, 3, 5],
        ],
        [1, 8, 8, 5],
      ),
    ).toBe(2 * 64 * 5 * 27);
    expect(
      kernel(
        'BatchMatMul',
        [
          [2, 4, 6],
          [2, 6, 5],
        ],
        [2, 4, 5],
      ),
    ).toBe(2 * 2 * 4 * 5 * 6);
    // Transposed operands sum over the same width.
    expect(
      kernel(
        'BatchMatMul',
        [
          [6, 4],
          [5, 6],
        ],
        [4, 5],
      ),
    ).toBe(2 * 4 * 5 * 6);
    expect(
      kernel(
        'Attention',
        [
          [1, 10, 8],
          [1, 7, 8],
          [1, 7, 8],
        ],
        [1, 10, 8],
      ),
    ).toBe(2 * 2 * 10 * 7 * 8);
    expect(kernel('Add', [[4], [4]], [4])).toBe(0);
  });
});

describe('comparison with a peer', () => {
  it('reads images in the order of channels first', () => {
    const image = tf.tidy(() => tf.range(0, 24, 1).reshape([1, 2, 3, 4]).transpose([0, 2, 3, 1]).dataSync());
    expect(probe(image, [1, 3, 4, 2])).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  it('refuses float32 results that are too far apart, and others of another count', () => {
    expect(differenceOf([1, 2], [1, 2.0004], 'float32')).toBeCloseTo(2e-4, 5);
    expect(() => differenceOf([1, 2], [1, 2.1], 'float32')).toThrow(/differs by/);
    expect(differenceOf([1, 2], [1, 2.1], 'bfloat16')).toBeCloseTo(0.0476, 3);
    expect(() => differenceOf([1], [1, 2], 'bfloat16')).toThrow(/2 probes, ours 1/);
    expect(() => differenceOf([Number.NaN, 2], [1, 2], 'float32')).toThrow(/differs by NaN/);
  });

  it('tells ratios to the peer of the same precision and batch, and shares of the peak', () => {
    const row = (name: string, bestMs: number, gflops: number | null, batch = 1): BenchRow => ({
      ...{
        name,
        bestMs,
        medianMs: 2 * bestMs,
        gflops,
        batch,
        phase: 'forward',
        mode: 'compiled',
        precision: 'float32',
      },
      ...{ threads: 2, peakRssMiB: 1, device: 'cpu' },
    });
    const rows = [
      row('peak-matmul', 1, 200),
      row('unet', 10, 150),
      row('unet:pytorch', 15, null),
      row('unet', 30, 100, 2),
    ];
    expect(modelRatios(rows)).toEqual([
      'unet float32, batch 1: 1.50x as fast as the peer by the best, 1.50x by the median, 75 % of the greatest peak',
      'unet float32, batch 2: 50 % of the greatest peak',
    ]);
  });
});
