import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { formulaParams } from '../nn/formula.js';
import { type ParamSpec, Scope } from '../nn/scope.js';
import { InceptionV3 } from './inception-v3.js';

/** Convolutions in the order of the network: name, then out x in x height x width of the file's weight. */
const LAYERS = `
Conv2d_1a_3x3 32x3x3x3
Conv2d_2a_3x3 32x32x3x3
Conv2d_2b_3x3 64x32x3x3
Conv2d_3b_1x1 80x64x1x1
Conv2d_4a_3x3 192x80x3x3
Mixed_5b.branch1x1 64x192x1x1
Mixed_5b.branch5x5_1 48x192x1x1
Mixed_5b.branch5x5_2 64x48x5x5
Mixed_5b.branch3x3dbl_1 64x192x1x1
Mixed_5b.branch3x3dbl_2 96x64x3x3
Mixed_5b.branch3x3dbl_3 96x96x3x3
Mixed_5b.branch_pool 32x192x1x1
Mixed_5c.branch1x1 64x256x1x1
Mixed_5c.branch5x5_1 48x256x1x1
Mixed_5c.branch5x5_2 64x48x5x5
Mixed_5c.branch3x3dbl_1 64x256x1x1
Mixed_5c.branch3x3dbl_2 96x64x3x3
Mixed_5c.branch3x3dbl_3 96x96x3x3
Mixed_5c.branch_pool 64x256x1x1
Mixed_5d.branch1x1 64x288x1x1
Mixed_5d.branch5x5_1 48x288x1x1
Mixed_5d.branch5x5_2 64x48x5x5
Mixed_5d.branch3x3dbl_1 64x288x1x1
Mixed_5d.branch3x3dbl_2 96x64x3x3
Mixed_5d.branch3x3dbl_3 96x96x3x3
Mixed_5d.branch_pool 64x288x1x1
Mixed_6a.branch3x3 384x288x3x3
Mixed_6a.branch3x3dbl_1 64x288x1x1
Mixed_6a.branch3x3dbl_2 96x64x3x3
Mixed_6a.branch3x3dbl_3 96x96x3x3
Mixed_6b.branch1x1 192x768x1x1
Mixed_6b.branch7x7_1 128x768x1x1
Mixed_6b.branch7x7_2 128x128x1x7
Mixed_6b.branch7x7_3 192x128x7x1
Mixed_6b.branch7x7dbl_1 128x768x1x1
Mixed_6b.branch7x7dbl_2 128x128x7x1
Mixed_6b.branch7x7dbl_3 128x128x1x7
Mixed_6b.branch7x7dbl_4 128x128x7x1
Mixed_6b.branch7x7dbl_5 192x128x1x7
Mixed_6b.branch_pool 192x768x1x1
Mixed_6c.branch1x1 192x768x1x1
Mixed_6c.branch7x7_1 160x768x1x1
Mixed_6c.branch7x7_2 160x160x1x7
Mixed_6c.branch7x7_3 192x160x7x1
Mixed_6c.branch7x7dbl_1 160x768x1x1
Mixed_6c.branch7x7dbl_2 160x160x7x1
Mixed_6c.branch7x7dbl_3 160x160x1x7
Mixed_6c.branch7x7dbl_4 160x160x7x1
Mixed_6c.branch7x7dbl_5 192x160x1x7
Mixed_6c.branch_pool 192x768x1x1
Mixed_6d.branch1x1 192x768x1x1
Mixed_6d.branch7x7_1 160x768x1x1
Mixed_6d.branch7x7_2 160x160x1x7
Mixed_6d.branch7x7_3 192x160x7x1
Mixed_6d.branch7x7dbl_1 160x768x1x1
Mixed_6d.branch7x7dbl_2 160x160x7x1
Mixed_6d.branch7x7dbl_3 160x160x1x7
Mixed_6d.branch7x7dbl_4 160x160x7x1
Mixed_6d.branch7x7dbl_5 192x160x1x7
Mixed_6d.branch_pool 192x768x1x1
Mixed_6e.branch1x1 192x768x1x1
Mixed_6e.branch7x7_1 192x768x1x1
Mixed_6e.branch7x7_2 192x192x1x7
Mixed_6e.branch7x7_3 192x192x7x1
Mixed_6e.branch7x7dbl_1 192x768x1x1
Mixed_6e.branch7x7dbl_2 192x192x7x1
Mixed_6e.branch7x7dbl_3 192x192x1x7
Mixed_6e.branch7x7dbl_4 192x192x7x1
Mixed_6e.branch7x7dbl_5 192x192x1x7
Mixed_6e.branch_pool 192x768x1x1
Mixed_7a.branch3x3_1 192x768x1x1
Mixed_7a.branch3x3_2 320x192x3x3
Mixed_7a.branch7x7x3_1 192x768x1x1
Mixed_7a.branch7x7x3_2 192x192x1x7
Mixed_7a.branch7x7x3_3 192x192x7x1
Mixed_7a.branch7x7x3_4 192x192x3x3
Mixed_7b.branch1x1 320x1280x1x1
Mixed_7b.branch3x3_1 384x1280x1x1
Mixed_7b.branch3x3_2a 384x384x1x3
Mixed_7b.branch3x3_2b 384x384x3x1
Mixed_7b.branch3x3dbl_1 448x1280x1x1
Mixed_7b.branch3x3dbl_2 384x448x3x3
Mixed_7b.branch3x3dbl_3a 384x384x1x3
Mixed_7b.branch3x3dbl_3b 384x384x3x1
Mixed_7b.branch_pool 192x1280x1x1
Mixed_7c.branch1x1 320x2048x1x1
Mixed_7c.branch3x3_1 384x2048x1x1
Mixed_7c.branch3x3_2a 384x384x1x3
Mixed_7c.branch3x3_2b 384x384x3x1
Mixed_7c.branch3x3dbl_1 448x2048x1x1
Mixed_7c.branch3x3dbl_2 384x448x3x3
Mixed_7c.branch3x3dbl_3a 384x384x1x3
Mixed_7c.branch3x3dbl_3b 384x384x3x1
Mixed_7c.branch_pool 192x2048x1x1
`;

function network() {
  const scope = Scope.root();
  return { model: new InceptionV3(scope), specs: scope.specs };
}

const fileShape = ({ file, shape }: ParamSpec): readonly number[] => file?.shape ?? shape;

describe('InceptionV3', () => {
  it("has the names and shapes of pytorch-fid's checkpoint", () => {
    const { specs } = network();
    const expected = new Map<string, readonly number[]>();
    for (const line of LAYERS.trim().split('\n')) {
      const [name, dims] = line.split(' ') as [string, string];
      const shape = dims.split('x').map(Number);
      expected.set(`${name}.conv.weight`, shape);
      for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
        expected.set(`${name}.bn.${part}`, [shape[0]!]);
      expected.set(`${name}.bn.num_batches_tracked`, []);
    }
    expected.set('fc.weight', [1008, 2048]);
    expected.set('fc.bias', [1008]);
    expect(LAYERS.trim().split('\n')).toHaveLength(94);
    expect(new Map([...specs].map(([key, spec]) => [key, fileShape(spec)]))).toEqual(expected);
    const parameters = [...specs.values()].filter(({ kind }) => kind === 'parameter');
    expect(parameters.reduce((sum, { shape }) => sum + shape.reduce((size, dim) => size * dim, 1), 0)).toBe(23_850_960);
  });
});

describe('features', () => {
  beforeAll(async () => {
    await useEngine({ device: 'cpu' });
  });

  // Values of scripts/peer/check_inception.py, PyTorch 2.15 in float32, weights by formula.
  it('are those of PyTorch under the same weights', async () => {
    const { model, specs } = network();
    const side = 64;
    const values = Float32Array.from({ length: side * side * 3 }, (_, i) => (((i * 37) % 256) / 255) * 2 - 1);
    const p = formulaParams(specs);
    const [features, logits] = tf.tidy(() => {
      const x = tf.tensor4d(values, [1, side, side, 3]);
      return [model.features(p, x), model.logits(p, x)];
    });
    const [found, scores] = [await features.data<'float32'>(), await logits.data<'float32'>()];
    p.dispose();
    tf.dispose([features, logits]);
    const expected = {
      values: [
        0.06179137, 0.0, 0.005121605, 0.0, 0.0, 0.097599, 0.0, 0.04780798, 0.0, 0.001967362, 0.0, 0.125628, 0.0,
        0.005005579, 0.05395017, 0.0508592,
      ],
      most: 0.2400108,
      mean: 0.03208838,
    };
    const expectedScores = {
      values: [
        -0.06735545, -0.03597426, 0.1329143, -0.04021297, -0.06810585, -0.03833054, 0.1255158, -0.07633702, -0.08609856,
        -0.0250304, -0.1142999, 0.1492996, 0.034539, 0.03597843, 0.01321888, -0.08777597,
      ],
      most: 0.2612051,
      mean: -0.002178489,
    };
    const compare = (a: ArrayLike<number>, wanted: readonly number[], spread: number, every: number) => {
      for (const [i, value] of wanted.entries()) expect(Math.abs(a[i * every]! - value)).toBeLessThan(1e-4 * spread);
    };
    compare(found, expected.values, expected.most, 128);
    compare(scores, expectedScores.values, expectedScores.most, 63);
    expect(found.reduce((sum, value) => sum + value, 0) / 2048).toBeCloseTo(expected.mean, 5);
  });
});
