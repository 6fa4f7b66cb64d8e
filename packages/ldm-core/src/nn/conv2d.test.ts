import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectClose, expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { Conv2D, conv2d, type Padding } from './conv2d.js';
import { initParams } from './init.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

/** The definition in double precision. */
function reference(x: tf.Tensor4D, w: tf.Tensor4D, stride: number, pad: Padding): Float64Array {
  const [batch, height, width, inC] = x.shape;
  const [kh, kw, , outC] = w.shape;
  const [[top, bottom], [left, right]] = pad;
  const outH = Math.floor((height + top + bottom - kh) / stride) + 1;
  const outW = Math.floor((width + left + right - kw) / stride) + 1;
  const [xs, ws] = [x.dataSync(), w.dataSync()];
  const out = new Float64Array(batch * outH * outW * outC);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < outH; i++)
      for (let j = 0; j < outW; j++)
        for (let o = 0; o < outC; o++, at++)
          for (let y = 0; y < kh; y++)
            for (let z = 0; z < kw; z++) {
              const [row, column] = [i * stride + y - top, j * stride + z - left];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              for (let c = 0; c < inC; c++) {
                const pixel = xs[((b * height + row) * width + column) * inC + c]!;
                out[at] = out[at]! + pixel * ws[((y * kw + z) * inC + c) * outC + o]!;
              }
            }
  return out;
}

const cases: { name: string; size: [number, number]; kernel: number; stride: number; pad: Padding }[] = [
  {
    name: '3x3, padding 1',
    size: [5, 4],
    kernel: 3,
    stride: 1,
    pad: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    name: '1x1',
    size: [3, 4],
    kernel: 1,
    stride: 1,
    pad: [
      [0, 0],
      [0, 0],
    ],
  },
  {
    name: 'the UNet downsample: stride 2, padding 1',
    size: [6, 4],
    kernel: 3,
    stride: 2,
    pad: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    name: 'the same of an odd size',
    size: [5, 7],
    kernel: 3,
    stride: 2,
    pad: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    name: 'the VAE downsample: right and bottom only',
    size: [6, 4],
    kernel: 3,
    stride: 2,
    pad: [
      [0, 1],
      [0, 1],
    ],
  },
  {
    name: 'PatchGAN: 4x4, stride 2, padding 1',
    size: [8, 6],
    kernel: 4,
    stride: 2,
    pad: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    name: 'PatchGAN: 4x4, stride 1, padding 1',
    size: [5, 6],
    kernel: 4,
    stride: 1,
    pad: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    name: 'uneven sides',
    size: [4, 5],
    kernel: 3,
    stride: 1,
    pad: [
      [2, 0],
      [0, 1],
    ],
  },
];

describe.each(cases)('conv2d: $name', ({ size: [height, width], kernel, stride, pad }) => {
  const x = () => randn<tf.Rank.R4>([2, height, width, 2], 1);
  const w = () => randn<tf.Rank.R4>([kernel, kernel, 2, 3], 2);

  it('is the definition', () => {
    const [a, b] = [x(), w()];
    expectClose(conv2d(a, b, { stride, pad }), reference(a, b, stride, pad), 1e-5);
  });

  it('differentiates by image and weight', () => {
    const op = (a: tf.Tensor, b: tf.Tensor) => conv2d(a as tf.Tensor4D, b as tf.Tensor4D, { stride, pad });
    // Linear in either, so the differences are exact but for rounding.
    expectGradients(op, [x(), w()], 2e-3);
  });
});

describe('conv2d', () => {
  afterEach(() => {
    if (tf.getKernel('ExplicitConvGradients', 'cpu')) tf.unregisterKernel('ExplicitConvGradients', 'cpu');
  });

  const pads = (run: () => void): unknown[] => {
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    run();
    const calls = spy.mock.calls.map(([name, , attrs]) => (name === 'Conv2D' ? attrs?.pad : name));
    spy.mockRestore();
    return calls;
  };

  it("uses 'same' where that is the same, without a copy of the image", () => {
    const w = randn<tf.Rank.R4>([3, 3, 1, 1], 1);
    const image = (h: number) => randn<tf.Rank.R4>([1, h, h, 1], 2);
    expect(pads(() => conv2d(image(4), w, { pad: 1 }))).toEqual(['same']);
    expect(
      pads(() =>
        conv2d(image(4), w, {
          stride: 2,
          pad: [
            [0, 1],
            [0, 1],
          ],
        }),
      ),
    ).toEqual(['same']);
    expect(pads(() => conv2d(image(5), w, { stride: 2, pad: 1 }))).toEqual(['same']);
    expect(pads(() => conv2d(image(4), w, { stride: 2, pad: 1 }))).toEqual(['PadV2', 'valid']);
    expect(pads(() => conv2d(image(4), w))).toEqual(['valid']);
  });

  it('pads inside the convolution on a backend whose gradients can', () => {
    tf.registerKernel({
      kernelName: 'ExplicitConvGradients',
      backendName: 'cpu',
      kernelFunc: () => {
        throw new Error('a flag, not a kernel');
      },
    });
    const [x, w] = [randn<tf.Rank.R4>([2, 6, 4, 2], 1), randn<tf.Rank.R4>([3, 3, 2, 3], 2)];
    const options = { stride: 2, pad: 1 };
    expect(pads(() => conv2d(x, w, options))).toEqual([
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    ]);
    expectClose(
      conv2d(x, w, options),
      reference(x, w, 2, [
        [1, 1],
        [1, 1],
      ]),
      1e-5,
    );
    expectGradients((a, b) => conv2d(a as tf.Tensor4D, b as tf.Tensor4D, options), [x, w]);
  });

  it('leaks nothing', () => {
    const [x, w] = [randn<tf.Rank.R4>([1, 4, 4, 1], 1), randn<tf.Rank.R4>([3, 3, 1, 2], 2)];
    const loss = (a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(conv2d(a as tf.Tensor4D, b as tf.Tensor4D, { stride: 2, pad: 1 }));
    expectNoLeak(() => tf.grads(loss)([x, w]));
  });
});

describe('Conv2D', () => {
  it('declares the weight as HWIO, OIHW in the file, and keeps the size by default', () => {
    const scope = Scope.root();
    const layer = new Conv2D(scope.at('conv_in'), 2, 5);
    expect(scope.specs.get('conv_in.weight')).toMatchObject({
      shape: [3, 3, 2, 5],
      file: { shape: [5, 2, 3, 3], perm: [2, 3, 1, 0] },
      init: { kind: 'uniform', bound: 1 / Math.sqrt(18) },
    });
    expect(scope.specs.get('conv_in.bias')).toMatchObject({ shape: [5], init: { bound: 1 / Math.sqrt(18) } });
    const y = layer.forward(initParams(scope.specs, 1), randn([1, 4, 6, 2], 1));
    expect(y.shape).toEqual([1, 4, 6, 5]);
  });

  it('can start at zero and go without a bias', () => {
    const scope = Scope.root();
    const zero = new Conv2D(scope.at('out'), 2, 3, { zero: true });
    new Conv2D(scope.at('plain'), 2, 3, { bias: false, kernel: 1 });
    expect([...scope.specs.keys()]).toEqual(['out.weight', 'out.bias', 'plain.weight']);
    const y = zero.forward(initParams(scope.specs, 1), randn([1, 2, 2, 2], 1));
    expect([...y.dataSync()]).toEqual(new Array(12).fill(0));
  });

  it('adds its bias', () => {
    const scope = Scope.root();
    const layer = new Conv2D(scope, 1, 2, { kernel: 1 });
    const p = initParams(scope.specs, 1);
    p.set('weight', tf.zeros([1, 1, 1, 2]));
    p.set('bias', tf.tensor1d([3, -4]));
    expectClose(layer.forward(p, randn([1, 1, 2, 1], 1)), [3, -4, 3, -4], 0);
  });
});
