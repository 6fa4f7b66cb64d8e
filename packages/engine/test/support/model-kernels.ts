import {
  attention,
  avgPool2x,
  checkpoint,
  conv2d,
  geglu,
  gelu,
  groupNorm,
  layerNorm,
  Params,
  silu,
  upsampleConv2d,
  upsampleNearest2x,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

type Fn = (...inputs: tf.Tensor[]) => tf.Tensor;

const image = [2, 6, 4, 4] as const;
const tokens = [2, 5, 8] as const;
const asImage = (x: tf.Tensor) => x as tf.Tensor4D;
const asTokens = (x: tf.Tensor) => x as tf.Tensor3D;

/** The operations that UNet, VAE and BERT models are made of: name, shapes of the float32 inputs, function. */
export const MODEL_KERNELS: readonly (readonly [string, readonly (readonly number[])[], Fn])[] = [
  ['conv2d, same', [image, [3, 3, 4, 6]], (x, w) => tf.conv2d(asImage(x!), asImage(w!), 1, 'same')],
  ['conv2d, valid, stride 2', [image, [3, 3, 4, 2]], (x, w) => tf.conv2d(asImage(x!), asImage(w!), 2, 'valid')],
  [
    'conv2d, padding 1, stride 2',
    [image, [3, 3, 4, 2]],
    (x, w) => conv2d(asImage(x!), asImage(w!), { stride: 2, pad: 1 }),
  ],
  ['conv2d 1x1', [image, [1, 1, 4, 3]], (x, w) => tf.conv2d(asImage(x!), asImage(w!), 1, 'same')],
  [
    'conv2dTranspose',
    [
      [2, 3, 2, 4],
      [2, 2, 3, 4],
    ],
    (x, w) => tf.conv2dTranspose(asImage(x!), asImage(w!), [2, 6, 4, 3], 2, 'same'),
  ],
  [
    'matMul',
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    (a, b) => tf.matMul(a!, b!),
  ],
  [
    'matMul, transposed',
    [
      [2, 4, 3],
      [2, 5, 4],
    ],
    (a, b) => tf.matMul(a!, b!, true, true),
  ],
  [
    'matMul, tiled batch',
    [
      [2, 3, 4],
      [4, 5],
    ],
    (a, b) => tf.matMul(a!, tf.tile(tf.expandDims(b!, 0), [2, 1, 1])),
  ],
  ['softmax', [tokens], (x) => tf.softmax(x!)],
  ['logSoftmax', [tokens], (x) => tf.logSoftmax(x!)],
  ['logSumExp', [tokens], (x) => tf.logSumExp(x!, -1)],
  [
    'moments',
    [image],
    (x) => {
      const { mean, variance } = tf.moments(x!, [1, 2], true);
      return tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-5)));
    },
  ],
  [
    'group norm',
    [image, [4], [4]],
    (x, scale, offset) => groupNorm(x!, scale as tf.Tensor1D, offset as tf.Tensor1D, { groups: 2 }),
  ],
  [
    'group norm with SiLU',
    [image, [4], [4]],
    (x, scale, offset) => groupNorm(x!, scale as tf.Tensor1D, offset as tf.Tensor1D, { groups: 2, activation: 'silu' }),
  ],
  ['layer norm', [tokens, [8], [8]], (x, scale, offset) => layerNorm(x!, scale as tf.Tensor1D, offset as tf.Tensor1D)],
  [
    'attention',
    [tokens, [2, 3, 8], [2, 3, 8]],
    (q, k, v) => attention(asTokens(q!), asTokens(k!), asTokens(v!), { heads: 2, scale: 0.5 }),
  ],
  ['silu', [tokens], (x) => silu(x!)],
  ['gelu', [tokens], (x) => gelu(x!)],
  ['geglu', [tokens], (x) => geglu(x!)],
  ['upsampleNearest2x', [image], (x) => upsampleNearest2x(asImage(x!))],
  ['upsampleConv2d', [image, [3, 3, 4, 6]], (x, w) => upsampleConv2d(asImage(x!), asImage(w!))],
  ['avgPool2x', [image], (x) => avgPool2x(asImage(x!))],
  ['maxPool', [image], (x) => tf.maxPool(asImage(x!), 2, 2, 'valid')],
  ['resizeNearestNeighbor', [image], (x) => tf.image.resizeNearestNeighbor(asImage(x!), [3, 8])],
  ['resizeBilinear', [image], (x) => tf.image.resizeBilinear(asImage(x!), [9, 5])],
  [
    'pad',
    [image],
    (x) =>
      tf.pad(x!, [
        [0, 0],
        [0, 1],
        [1, 0],
        [0, 2],
      ]),
  ],
  [
    'mirrorPad',
    [image],
    (x) =>
      tf.mirrorPad(
        x!,
        [
          [0, 0],
          [1, 1],
          [1, 2],
          [0, 0],
        ],
        'reflect',
      ),
  ],
  ['concat', [image, [2, 6, 4, 3]], (a, b) => tf.concat([a!, b!], -1)],
  [
    'split',
    [image],
    (x) => {
      const [a, b] = tf.split(x!, 2, -1);
      return tf.sub(tf.mul(a!, b!), b!);
    },
  ],
  ['stack, unstack', [tokens, tokens], (a, b) => tf.mul(tf.unstack(tf.stack([a!, b!], 1), 1)[0]!, b!)],
  ['slice', [image], (x) => tf.slice(x!, [0, 1, 0, 2], [-1, 3, 2, 2])],
  [
    'gather',
    [[7, 3]],
    (table) =>
      tf.gather(
        table!,
        tf.tensor2d(
          [
            [1, 6, 1],
            [0, 2, 3],
          ],
          [2, 3],
          'int32',
        ),
      ),
  ],
  ['transpose', [image], (x) => tf.transpose(x!, [0, 3, 1, 2])],
  ['reshape', [image], (x) => tf.reshape(x!, [2, 24, 4])],
  ['tile', [tokens], (x) => tf.tile(x!, [1, 2, 1])],
  ['broadcast', [image, [2, 1, 1, 4]], (x, emb) => tf.mul(tf.add(x!, emb!), emb!)],
  ['sum, mean, max', [tokens], (x) => tf.add(tf.sum(x!, 1), tf.mul(tf.mean(x!, 1), tf.max(x!, 1)))],
  ['cumsum', [tokens], (x) => tf.cumsum(x!, 2)],
  ['where', [tokens, tokens], (a, b) => tf.where(tf.cast(tf.range(0, 8, 1), 'bool'), tf.square(a!), b!)],
  ['clipByValue', [tokens], (x) => tf.clipByValue(x!, -0.5, 0.5)],
  ['erf', [tokens], (x) => tf.erf(x!)],
  ['rsqrt', [tokens], (x) => tf.rsqrt(tf.add(tf.square(x!), 1))],
  ['sqrt, exp, log', [tokens], (x) => tf.log(tf.add(tf.sqrt(tf.exp(x!)), 1))],
  ['sin, cos', [tokens], (x) => tf.mul(tf.sin(x!), tf.cos(x!))],
  ['tanh, sigmoid, softplus', [tokens], (x) => tf.add(tf.tanh(x!), tf.mul(tf.sigmoid(x!), tf.softplus(x!)))],
  ['relu, leakyRelu, elu', [tokens], (x) => tf.add(tf.relu(x!), tf.mul(tf.leakyRelu(x!, 0.2), tf.elu(x!)))],
  ['abs, maximum, minimum', [tokens, tokens], (a, b) => tf.add(tf.abs(tf.maximum(a!, b!)), tf.minimum(a!, 0.1))],
  ['div, pow', [tokens, tokens], (a, b) => tf.div(tf.pow(tf.abs(a!), 1.5), tf.add(tf.square(b!), 1))],
  [
    'recomputed block',
    [image, [3, 3, 4, 4]],
    (x, w) =>
      checkpoint((p, h) => silu(tf.conv2d(asImage(h!), asImage(p.get('w')!), 1, 'same')), new Params([['w', w!]]), x!),
  ],
];
