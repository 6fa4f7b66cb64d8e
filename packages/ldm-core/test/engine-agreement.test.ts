import { compile, useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { geglu, gelu, silu, softplus } from '../src/nn/activations.js';
import { attention } from '../src/nn/attention.js';
import { checkpoint } from '../src/nn/checkpoint.js';
import { conv2d } from '../src/nn/conv2d.js';
import { groupNorm, layerNorm } from '../src/nn/norm.js';
import { Params } from '../src/nn/params.js';
import { Rng } from '../src/nn/random.js';
import { hostIntegers, hostNormal, hostUniform } from '../src/nn/stateless-random.js';
import { avgPool2x, upsampleNearest2x } from '../src/nn/upsample.js';
import { upsampleConv2d } from '../src/nn/upsample-conv2d.js';
import { valueAndGrad } from '../src/nn/value-and-grads.js';
import { adamStep, initOptimState } from '../src/optim/adamw.js';
import { clipByGlobalNorm } from '../src/optim/clip.js';
import { emaUpdate, initEma } from '../src/optim/ema.js';
import { adamWDefaults, type UpdatePlan } from '../src/optim/rules.js';
import { expectClose } from './support.js';

// The composed forms of this package on tfjs's plain JavaScript backend are the definition; the engine, with whatever
// kernels it registers, has to agree eagerly and compiled.

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Run on a backend with inputs from host values; results on the host. */
async function on(
  backend: string,
  op: (...inputs: tf.Tensor[]) => tf.Tensor[],
  inputs: readonly Float32Array[],
  shapes: readonly number[][],
) {
  await tf.setBackend(backend);
  const tensors = inputs.map((values, i) => tf.tensor(values, shapes[i]!));
  const outputs = op(...tensors);
  const values = outputs.map((output) => Float32Array.from(output.dataSync()));
  tf.dispose([...tensors, ...outputs]);
  return values;
}

const ops: { name: string; op: Op; shapes: number[][] }[] = [
  { name: 'silu', op: silu, shapes: [[3, 5]] },
  { name: 'gelu', op: gelu, shapes: [[3, 5]] },
  { name: 'geglu', op: geglu, shapes: [[2, 3, 8]] },
  { name: 'softplus', op: softplus, shapes: [[3, 5]] },
  ...([undefined, 'silu'] as const).map((activation) => ({
    name: `groupNorm ${activation}`,
    op: (x: tf.Tensor, s: tf.Tensor, o: tf.Tensor) =>
      groupNorm(x, s as tf.Tensor1D, o as tf.Tensor1D, { groups: 4, activation }),
    shapes: [[2, 3, 4, 8], [8], [8]],
  })),
  {
    name: 'layerNorm',
    op: (x, s, o) => layerNorm(x!, s as tf.Tensor1D, o as tf.Tensor1D),
    shapes: [[2, 5, 12], [12], [12]],
  },
  {
    name: 'attention',
    op: (q, k, v) => attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { heads: 4, scale: 0.5 }),
    shapes: [
      [2, 6, 12],
      [2, 7, 12],
      [2, 7, 8],
    ],
  },
  ...[
    { stride: 1, pad: 1 },
    { stride: 2, pad: 1 },
    {
      stride: 2,
      pad: [
        [0, 1],
        [0, 1],
      ] as const,
    },
  ].map((options) => ({
    name: `conv2d ${JSON.stringify(options)}`,
    op: (x: tf.Tensor, w: tf.Tensor) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, options),
    shapes: [
      [2, 6, 8, 3],
      [3, 3, 3, 5],
    ],
  })),
  {
    name: 'conv2d 4x4',
    op: (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, { pad: 1 }),
    shapes: [
      [2, 6, 7, 3],
      [4, 4, 3, 2],
    ],
  },
  { name: 'upsampleNearest2x', op: (x) => upsampleNearest2x(x as tf.Tensor4D), shapes: [[2, 3, 4, 5]] },
  {
    name: 'upsampleConv2d',
    op: (x, w) => upsampleConv2d(x as tf.Tensor4D, w as tf.Tensor4D),
    shapes: [
      [2, 24, 25, 5],
      [3, 3, 5, 4],
    ],
  },
  { name: 'avgPool2x', op: (x) => avgPool2x(x as tf.Tensor4D), shapes: [[2, 4, 6, 3]] },
  {
    name: 'checkpoint',
    op: (x, w) =>
      checkpoint((p, h) => silu(tf.matMul(h as tf.Tensor2D, p.get('w') as tf.Tensor2D)), new Params([['w', w!]]), x!),
    shapes: [
      [4, 3],
      [3, 5],
    ],
  },
];

describe.each(ops)('$name on the engine', ({ op, shapes }) => {
  const inputs = shapes.map((shape, i) =>
    hostNormal(
      [i, 77],
      shape.reduce((a, b) => a * b, 1),
    ),
  );
  /** The value, and gradients of its weighted sum by every input. */
  const valueAndGrads: (...xs: tf.Tensor[]) => tf.Tensor[] = (...xs) => {
    const y = op(...xs);
    const weights = tf.cos(tf.reshape(tf.range(0, y.size), y.shape));
    return [y, ...tf.grads((...zs: tf.Tensor[]) => tf.sum(tf.mul(op(...zs), weights)))(xs)];
  };

  it('agrees with the composed form on the plain backend, value and gradients, eager and compiled', async () => {
    const wanted = await on('cpu', valueAndGrads, inputs, shapes);
    const eager = await on('tensorflow', valueAndGrads, inputs, shapes);
    const compiled = await on('tensorflow', compile(valueAndGrads), inputs, shapes);
    wanted.forEach((values, i) => {
      const scale = Math.max(1, ...values.map(Math.abs));
      expectClose(eager[i]!, values, 2e-6 * scale);
      expectClose(compiled[i]!, values, 2e-6 * scale);
    });
  });
});

describe('random numbers on the engine', () => {
  beforeAll(async () => {
    await tf.setBackend('tensorflow');
  });

  it('are those of the plain backend: uniform and integers to the bit, normal within 1e-6', () => {
    for (const [seed, stream] of [
      [1, 2],
      [-9, 2 ** 31 - 1],
    ] as const) {
      const rng = Rng.of(seed, stream);
      const n = 10_001;
      expectClose(rng.uniform([n]), hostUniform([seed, stream], n), 0);
      expectClose(rng.integers([n], -5, 1000), hostIntegers([seed, stream], n, -5, 1000), 0);
      expectClose(rng.normal([n]), hostNormal([seed, stream], n), 1e-6);
    }
  });

  it('are the same traced, with the seed as an argument', () => {
    const draw = (seed: tf.Tensor1D) => {
      const rng = Rng.from(seed).split('step').split(3);
      return [rng.normal([7]), rng.uniform([7]), rng.integers([7], 0, 100), rng.permutation(50)];
    };
    const traced = compile(draw);
    for (const seed of [0, 1, -12345]) {
      const tensor = Rng.of(seed, 4).toTensor();
      const eager = draw(tensor);
      const fromNumbers = Rng.of(seed, 4).split('step').split(3);
      expectClose(Rng.from(tensor).split('step').split(3).toTensor(), fromNumbers.toTensor(), 0);
      expectClose(eager[1]!, fromNumbers.uniform([7]), 0);
      traced(tensor).forEach((values, i) => {
        expectClose(values, eager[i]!, 0);
      });
    }
    expect(traced.traces).toBe(1);
  });

  it('permute alike', async () => {
    const here = [...Rng.of(5).permutation(1000).dataSync()];
    await tf.setBackend('cpu');
    const there = [...Rng.of(5).permutation(1000).dataSync()];
    await tf.setBackend('tensorflow');
    expect(here).toEqual(there);
  });
});

describe('a training step on the engine', () => {
  const plan: UpdatePlan = new Map(
    ['a', 'b'].map((key) => [key, { ...adamWDefaults, lr: 0.05, weightDecay: key === 'a' ? 0.1 : 0 }]),
  );
  const start = () => {
    const params = new Params([
      ['a', tf.tensor(hostNormal([1, 1], 12), [3, 4])],
      ['b', tf.tensor(hostNormal([1, 2], 4), [4])],
      ['frozen', tf.tensor(hostNormal([1, 3], 4), [4])],
    ]);
    return { params, optim: initOptimState(params, plan), ema: initEma(params) };
  };
  type State = ReturnType<typeof start>;
  const step = ({ params, optim, ema }: State, x: tf.Tensor): { state: State; loss: tf.Scalar; norm: tf.Scalar } => {
    const { value, grads } = valueAndGrad((p) => {
      const h = tf.add(tf.matMul(x as tf.Tensor2D, p.get('a') as tf.Tensor2D), p.get('b')!);
      return tf.mean(tf.square(tf.sub(silu(h), p.get('frozen')!))) as tf.Scalar;
    }, params);
    const clipped = clipByGlobalNorm(grads, 0.5);
    const next = adamStep(params, clipped.grads, optim, plan);
    const state = { params: next.params, optim: next.state, ema: emaUpdate(ema, next.params) };
    return { state, loss: value, norm: clipped.norm };
  };

  /** Weights, moments, averages and losses after ten steps. */
  function train(run: typeof step): Float32Array[] {
    const losses: number[] = [];
    let state = start();
    for (let i = 0; i < 10; i++) {
      const x = tf.tensor(hostNormal([2, i], 15), [5, 3]);
      const result = run(state, x);
      losses.push(result.loss.dataSync()[0]!);
      state = result.state;
    }
    const { params, optim, ema } = state;
    const tensors = [params, optim.m, optim.v, ema.shadow].flatMap((each) => [...each.values()]);
    const counters = [optim.step, ema.numUpdates].map((each) => each.dataSync()[0]!);
    return [...tensors.map((each) => Float32Array.from(each.dataSync())), Float32Array.from([...losses, ...counters])];
  }

  it('agrees with the plain backend: eager, compiled, and in place', async () => {
    await tf.setBackend('cpu');
    const wanted = train(step);
    expect([...wanted.at(-1)!.slice(-2)]).toEqual([10, 10]);
    await tf.setBackend('tensorflow');
    for (const run of [step, compile(step), compile(step, { state: 0 })]) {
      train(run).forEach((values, i) => {
        expectClose(values, wanted[i]!, 1e-6);
      });
    }
  });
});
