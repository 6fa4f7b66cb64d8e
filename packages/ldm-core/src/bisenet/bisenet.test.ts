import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { formulaParams } from '../nn/formula.js';
import { Scope } from '../nn/scope.js';
import { BiSeNet } from './bisenet.js';

// Values of scripts/peer/check_face_networks.py, PyTorch 2.15 in float32, weights by formula: every 4999th score.
const SCORES = [
  0.5285492, 0.843002, -0.9351361, -1.233893, -1.155707, 0.8336582, -3.158886, 0.2558764, 0.6855385, 0.4961556,
  -0.1348514, -1.849596, 0.4159306, -1.496644, -1.388478, -0.347442,
];
const MOST = 3.605596;

it('has the keys, the size and the scores of the public face parser under the same weights', async () => {
  await useEngine({ device: 'cpu' });
  const scope = Scope.root();
  const network = new BiSeNet(scope);
  const { specs } = scope;
  expect(specs.size).toBe(191);
  const sizes = [...specs.values()].map(({ shape }) => shape.reduce((size, dim) => size * dim, 1));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(13_313_119);
  for (const key of [
    'cp.resnet.layer2.0.downsample.1.running_var',
    'cp.arm16.bn_atten.weight',
    'ffm.conv2.weight',
    'conv_out32.conv_out.weight',
  ]) {
    expect(specs.has(key), key).toBe(true);
  }
  const p = formulaParams(specs);
  const side = 64;
  const values = Float32Array.from({ length: side * side * 3 }, (_, i) => (((i * 37) % 256) / 255) * 2 - 1);
  const x = tf.tensor4d(values, [1, side, side, 3]);
  const [logits, classes] = [network.logits(p, x), network.parse(p, x)];
  const [scores, found] = [await logits.data(), await classes.data()];
  for (const [i, wanted] of SCORES.entries()) expect(Math.abs(scores[i * 4999]! - wanted)).toBeLessThan(1e-4 * MOST);
  const best = (pixel: number) => {
    const own = scores.slice(pixel * 19, (pixel + 1) * 19);
    return own.indexOf(Math.max(...own));
  };
  for (const pixel of [0, 777, 4095]) expect(found[pixel]).toBe(best(pixel));
  p.dispose();
  tf.dispose([x, logits, classes]);
});
