import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { largestDifference, waves } from '../../test/support/kernel.js';
import { callKernel, type PlainEngine, startPlainEngine } from '../../test/support/plain-engine.js';
import { groupNorm, groupNormGrad } from './group-norm.js';

let engine: PlainEngine;
beforeAll(async () => {
  engine = await startPlainEngine();
});
beforeEach(() => Object.assign(engine, { onGpu: false }));

type Attrs = { groups: number; epsilon: number; activation: 'none' | 'silu' };

/** The definition, number by number in double precision. x [B, ..., C] */
function defined(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, { groups, epsilon, activation }: Attrs): number[] {
  const values = x.dataSync();
  const [B, C] = [x.shape[0]!, x.shape.at(-1)!];
  const N = values.length / B / C;
  const [a, b] = [scale.dataSync(), offset.dataSync()];
  const at = (i: number, n: number, c: number) => (i * N + n) * C + c;
  const y = new Array<number>(values.length);
  for (let i = 0; i < B; i++)
    for (let g = 0; g < groups; g++) {
      const channels = Array.from({ length: C / groups }, (_, k) => (g * C) / groups + k);
      const members = channels.flatMap((c) => Array.from({ length: N }, (_, n) => values[at(i, n, c)]!));
      const mean = members.reduce((sum, value) => sum + value, 0) / members.length;
      const variance = members.reduce((sum, value) => sum + (value - mean) ** 2, 0) / members.length;
      for (const c of channels)
        for (let n = 0; n < N; n++) {
          const z = ((values[at(i, n, c)]! - mean) / Math.sqrt(variance + epsilon)) * a[c]! + b[c]!;
          y[at(i, n, c)] = activation === 'silu' ? z / (1 + Math.exp(-z)) : z;
        }
    }
  return y;
}

const CASES: { shape: number[]; attrs: Attrs }[] = [
  { shape: [2, 3, 2, 6], attrs: { groups: 3, epsilon: 1e-5, activation: 'none' } },
  { shape: [2, 3, 2, 6], attrs: { groups: 2, epsilon: 1e-6, activation: 'silu' } },
  { shape: [1, 5, 4], attrs: { groups: 1, epsilon: 1e-5, activation: 'none' } },
  { shape: [3, 4, 4], attrs: { groups: 4, epsilon: 1e-3, activation: 'silu' } },
  { shape: [2, 8], attrs: { groups: 2, epsilon: 1e-5, activation: 'none' } },
];
const inputsOf = (shape: number[]) => {
  const C = shape.at(-1)!;
  return { x: tf.add(waves(shape, 0, 2), 3), scale: tf.add(waves([C], 1), 1.5), offset: waves([C], 2) };
};

describe.each(CASES)(
  'group norm of $shape with $attrs.groups group(s), activation $attrs.activation',
  ({ shape, attrs }) => {
    it('is its definition, in both ways to take means', () => {
      const inputs = inputsOf(shape);
      const wanted = defined(inputs.x, inputs.scale, inputs.offset, attrs);
      for (const onGpu of [false, true]) {
        engine.onGpu = onGpu;
        const [y] = callKernel(groupNorm, inputs, attrs);
        expect(y!.shape).toEqual(shape);
        expect(largestDifference(y!, wanted)).toBeLessThan(1e-5);
      }
    });

    it('has the gradient that differences of the definition give', () => {
      const inputs = inputsOf(shape);
      const dy = waves(shape, 3);
      const weights = dy.dataSync();
      const grads = callKernel(groupNormGrad, { dy, ...inputs }, attrs);
      const names = ['x', 'scale', 'offset'] as const;
      names.forEach((name, which) => {
        expect(grads[which]!.shape).toEqual(inputs[name].shape);
        const values = inputs[name].dataSync();
        const numeric = Array.from(values, (value, i) => {
          const at = (shift: number) => {
            const moved = Float64Array.from(values);
            moved[i] = value + shift;
            const { x, scale, offset } = {
              ...inputs,
              [name]: { dataSync: () => moved, shape: inputs[name].shape },
            } as typeof inputs;
            return defined(x, scale, offset, attrs).reduce((sum, y, k) => sum + y * weights[k]!, 0);
          };
          return (at(1e-4) - at(-1e-4)) / 2e-4;
        });
        expect(largestDifference(grads[which]!, numeric)).toBeLessThan(2e-4);
      });
    });
  },
);

it('leaves nothing behind', () => {
  const inputs = inputsOf([2, 3, 4]);
  const attrs: Attrs = { groups: 2, epsilon: 1e-5, activation: 'silu' };
  const before = tf.memory().numTensors;
  tf.dispose([callKernel(groupNorm, inputs, attrs), callKernel(groupNormGrad, { dy: inputs.x, ...inputs }, attrs)]);
  expect(tf.memory().numTensors).toBe(before);
});
