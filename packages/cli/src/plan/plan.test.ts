import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, type RecordedGraph, type RecordedNode, shapeOnly, useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBenchModel } from '../bench/models/bench-model.js';
import { type DeviceSpeed, rateOf, secondsOf } from './device-speed.js';
import { formatPlan } from './format-plan.js';
import type { Plan } from './make-plan.js';
import { peakBytes } from './memory.js';
import { workOf } from './op-work.js';
import { plannedBench, plannedGeneration, plannedTraining, residentBytes, withoutAdam } from './planned-call.js';
import { predict } from './predict.js';
import { readSpeed, writeSpeed } from './speed-cache.js';

const rate = (secondsPerOp: number, secondsPerUnit: number) => ({ secondsPerOp, secondsPerUnit });
const SPEED: DeviceSpeed = {
  ...{ version: 2, device: 'a processor', threads: 2, branches: 1, precision: 'float32' },
  measured: '2026-11-22T00:00:00.000Z',
  secondsPerOperation: 1e-6,
  rates: {
    ...{ convolution: rate(1e-5, 1e-11), 'input-gradient': rate(1e-5, 1e-11), 'filter-gradient': rate(1e-5, 2e-11) },
    ...{ matmul: rate(0, 1e-11), product: rate(0, 2e-11), 'narrow-product': rate(0, 3e-10), softmax: rate(0, 6e-10) },
    ...{ elementwise: rate(0, 1e-10), function: rate(0, 5e-10), silu: rate(0, 3e-10), move: rate(0, 2e-10) },
  },
};
const CALL = { batch: 1, precision: 'float32', branches: 1 } as const;
const SETTINGS = { config: '', recompute: false, full: false, ema: false, optimizer: true, steps: 50 };

let folder = '';
const root = process.cwd();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plan-'));
  process.chdir(new URL('../../../..', import.meta.url).pathname);
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});
afterAll(() => {
  process.chdir(root);
  rmSync(folder, { recursive: true });
});

/** A graph of one operation on float32 values of these shapes. */
function single(op: string, inputs: number[][], output: number[]): readonly [RecordedGraph, RecordedNode] {
  const values = [...inputs, output].map((shape) => ({ node: 0, shape, dtype: 1 }));
  const node = { name: 'n0', op, inputs: inputs.map((_, i) => i), outputs: [inputs.length], after: [] };
  return [{ nodes: [node], values, results: [], effects: [] }, node];
}

describe('workOf', () => {
  it('counts the arithmetic of contractions', () => {
    const flops = (op: string, inputs: number[][], output: number[]) => workOf(...single(op, inputs, output))?.flops;
    const [image, filter] = [
      [2, 8, 8, 3],
      [3, 3, 3, 5],
    ];
    const conv = 2 * (2 * 8 * 8 * 5) * 27;
    expect(flops('Conv2D', [image, filter], [2, 8, 8, 5])).toBe(conv);
    expect(flops('Conv2DBackpropInput', [[4], filter, [2, 8, 8, 5]], image)).toBe(conv);
    expect(flops('Conv2DBackpropFilter', [image, [4], [2, 8, 8, 5]], filter)).toBe(conv);
    expect(
      flops(
        'MatMul',
        [
          [4, 6],
          [6, 10],
        ],
        [4, 10],
      ),
    ).toBeCloseTo(2 * 4 * 6 * 10);
    expect(
      flops(
        'BatchMatMulV2',
        [
          [3, 4, 6],
          [3, 10, 6],
        ],
        [3, 4, 10],
      ),
    ).toBeCloseTo(2 * 3 * 4 * 6 * 10);
    // One operand for the whole batch, as a row of ones.
    expect(
      flops(
        'BatchMatMulV2',
        [
          [1, 4, 6],
          [3, 6, 10],
        ],
        [3, 4, 10],
      ),
    ).toBeCloseTo(2 * 3 * 4 * 6 * 10);
  });

  it('tells products of narrow heads, which wait for memory', () => {
    const kind = (a: number[], b: number[], result: number[]) =>
      workOf(...single('BatchMatMulV2', [a, b], result))?.kind;
    expect(kind([4, 64, 2], [4, 2, 64], [4, 64, 64])).toBe('narrow-product');
    expect(kind([4, 64, 64], [4, 64, 2], [4, 64, 2])).toBe('narrow-product');
    expect(kind([4, 64, 24], [4, 24, 64], [4, 64, 64])).toBe('product');
    expect(kind([1, 1, 64], [4, 64, 32], [4, 1, 32])).toBe('product');
  });

  it('counts the bytes of everything else, and nothing for views', () => {
    expect(workOf(...single('Sigmoid', [[10]], [10]))).toEqual({ kind: 'function', flops: 0, bytes: 80 });
    expect(workOf(...single('AddV2', [[10], [10]], [10]))).toEqual({ kind: 'elementwise', flops: 0, bytes: 120 });
    expect(workOf(...single('Transpose', [[2, 5]], [5, 2]))?.kind).toBe('move');
    expect(workOf(...single('Softmax', [[2, 5]], [2, 5]))).toEqual({ kind: 'softmax', flops: 0, bytes: 80 });
    expect(workOf(...single('Reshape', [[10]], [5, 2]))).toBeNull();
  });
});

describe('a speed', () => {
  it('is a line through two measurements', () => {
    const line = rateOf({ units: 100, seconds: 3 }, { units: 1100, seconds: 13 });
    expect(line.secondsPerOp).toBeCloseTo(2);
    expect(line.secondsPerUnit).toBeCloseTo(0.01);
    // What fits the caches is faster: no time of its own.
    expect(rateOf({ units: 100, seconds: 0.1 }, { units: 1000, seconds: 10 })).toEqual(rate(0, 0.01));
  });

  it('has contractions of little arithmetic wait for memory', () => {
    const work = { kind: 'matmul', flops: 1e6, bytes: 1e3 } as const;
    expect(secondsOf(work, SPEED)).toBeCloseTo(1e-6 + 1e-5, 9);
    expect(secondsOf({ ...work, bytes: 1e6 }, SPEED)).toBeCloseTo(1e-6 + 1e-4, 9);
    expect(secondsOf({ kind: 'convolution', flops: 1e9, bytes: 1 }, SPEED)).toBeCloseTo(1e-2 + 1e-5, 9);
  });

  it('is kept in a file, and measured anew where the file is none', () => {
    const file = join(folder, 'deep', 'speed.json');
    expect(readSpeed(SPEED, file)).toBeNull();
    writeSpeed(SPEED, file);
    expect(readSpeed(SPEED, file)).toEqual(SPEED);
    writeFileSync(file, '{"device": 1');
    expect(readSpeed(SPEED, file)).toBeNull();
  });
});

describe('planned calls', () => {
  it('know the work, the weights and the memory of a part of a model', async () => {
    const bench = await openBenchModel('vae-decode', 'configs/demo_vae.yaml');
    const before = tf.memory().numTensors;
    const one = plannedBench(bench, { ...CALL, batch: 1 }, SETTINGS);
    const two = plannedBench(bench, { ...CALL, batch: 2 }, SETTINGS);
    expect(tf.memory().numTensors).toBe(before);
    expect(predict(two, SPEED).flops / predict(one, SPEED).flops).toBeCloseTo(2, 1);
    expect(two.memory.bytes / one.memory.bytes).toBeCloseTo(2, 1);
    // All of the autoencoder's weights, the encoder's too, and the latents.
    const weights = [...bench.specs.values()].filter(({ key }) => !key.startsWith('loss.'));
    const bytes = weights.reduce((sum, { shape }) => sum + 4 * tf.util.sizeFromShape([...shape]), 0);
    expect(one.resident - bytes).toBeGreaterThan(0);
    expect(one.resident - bytes).toBeLessThan(2 ** 16);
    // In half precision weights are stored as they are used.
    const half = plannedBench(bench, { ...CALL, precision: 'bfloat16' }, SETTINGS);
    expect(half.resident / one.resident).toBeGreaterThan(0.5);
    expect(half.resident / one.resident).toBeLessThan(0.85);
    // Kernels keep the weights that are halved once more, packed.
    const packed = one.resident - half.resident;
    expect(half.memory.bytes).toBeGreaterThan(packed);
    expect(half.memory.bytes - packed).toBeLessThan(one.memory.bytes);
    expect(peakBytes([one, two], 1e9)).toBeGreaterThan(1e9 + two.resident + two.memory.bytes);
  });

  it('plan whole trainings and generations', async () => {
    const bench = await openBenchModel('unet', 'configs/demo_text.yaml', [
      'model.params.unet_config.params.channel_mult=[1]',
      'model.params.unet_config.params.attention_resolutions=[1]',
    ]);
    const training = plannedTraining(bench, { ...CALL, batch: 2 });
    const bare = withoutAdam(training);
    expect(training.needed.size).toBeGreaterThan(bare.needed.size);
    // The embedder's own head is loaded, and takes no part.
    const trained = [...bench.specs].filter(([key]) => /^(model|cond_stage_model)\.(?!.*to_logits)/.test(key));
    const parameters = trained.reduce((sum, [, { shape }]) => sum + 4 * tf.util.sizeFromShape([...shape]), 0);
    expect((training.resident - bare.resident) / parameters).toBeCloseTo(2, 1);
    const calls = plannedGeneration(bench, CALL);
    expect(calls.map(({ name }) => name)).toEqual(['unet', 'vae-decode']);
    expect(predict(training, SPEED).seconds).toBeGreaterThan(2 * predict(calls[0]!, SPEED).seconds);
  });

  it('take x sigmoid(x) for one operation where nothing else reads the sigmoid', () => {
    const x = shapeOnly([1000]);
    const seconds = (f: (x: tf.Tensor) => tf.Tensor) => {
      const inspected = inspect(f, [x]);
      inspected.result.dispose();
      return predict(inspected, SPEED).byKind;
    };
    expect(seconds((x) => tf.mul(x, tf.sigmoid(x)))).toEqual({ silu: expect.closeTo(1e-6 + 8000 * 3e-10, 9) });
    const apart = seconds((x) => {
      const s = tf.sigmoid(x);
      return tf.add(tf.mul(s, x), s);
    });
    expect(Object.keys(apart).sort()).toEqual(['elementwise', 'function']);
    x.dispose();
  });

  it('run the models of a collaborative step side by side, each on a thread of its own', async () => {
    const bench = await openBenchModel('codiff-step', 'configs/demo_codiff_mask_text.yaml');
    const call = plannedBench(bench, { ...CALL, branches: 2 }, SETTINGS);
    const inTurn = predict(call, SPEED);
    expect(inTurn.seconds).toBe(inTurn.inTurn);
    const { seconds } = predict(call, { ...SPEED, branches: 2 });
    // The two are alike, but for what mixes them in the end.
    expect(seconds / inTurn.inTurn).toBeGreaterThanOrEqual(0.5);
    expect(seconds / inTurn.inTurn).toBeLessThan(0.6);
    // With more threads than branches an operation has all of them.
    expect(predict(call, { ...SPEED, threads: 4, branches: 2 }).seconds).toBe(inTurn.inTurn);
    // A decoder is one branch; a batch of two is two.
    const decoder = await openBenchModel('vae-decode', 'configs/demo_codiff_mask_text.yaml');
    const share = (batch: number) => {
      const call = plannedGeneration(decoder, { ...CALL, batch, branches: 2 }).at(-1)!;
      const { seconds, inTurn } = predict(call, { ...SPEED, branches: 2 });
      return seconds / inTurn;
    };
    expect(share(1)).toBeGreaterThan(0.95);
    expect(share(2)).toBeLessThan(0.6);
  });

  it('count state once, however often it is read', () => {
    const w = shapeOnly([100, 10]);
    const step = (s: { w: tf.Tensor }) => ({ w: tf.add(s.w, tf.sum(s.w)) });
    const { graph, result } = inspect(step, [{ w }], { state: 0 });
    expect(residentBytes(graph)).toBeGreaterThanOrEqual(4000);
    expect(residentBytes(graph)).toBeLessThan(4100);
    tf.dispose([w, result]);
  });
});

describe('formatPlan', () => {
  it('says what is known, and why something is missing', () => {
    const prediction = { seconds: 2, inTurn: 2, flops: 3e9, bytes: 1, byKind: {} };
    const common: Omit<Plan, 'training' | 'generation' | 'notes'> = {
      ...{ config: 'a.yaml', device: 'a processor', threads: 2, precision: 'float32', measured: '2026-11-22T10' },
      parameters: 12_340_000,
    };
    const training = { ...prediction, batch: 4, peakMiB: 1000, samples: 7200, hoursPerEpoch: 1 };
    expect(formatPlan({ ...common, training, generation: null, notes: ['why'] })).toEqual([
      'a.yaml: 12.3 M parameters',
      'device: a processor, 2 threads, float32; measured 2026-11-22',
      'training: 2.00 s a step of 4 image(s), 3 GFLOP; at most 1000 MiB',
      '  an epoch of 7200 images takes 1.00 hours',
      'note: why',
    ]);
    const generation = { batch: 1, steps: 50, stepSeconds: 2, decodeSeconds: 5, seconds: 105, peakMiB: 2000.4 };
    expect(formatPlan({ ...common, training: null, generation, notes: [] }).at(-1)).toBe(
      'generation: 105 s for 1 image(s) in 50 steps of 2.00 s, decoded in 5.00 s; at most 2000 MiB',
    );
  });
});
