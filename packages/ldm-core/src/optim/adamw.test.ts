import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { Params } from '../nn/params.js';
import { disposeReplaced, tensorsOf, tidyTree } from '../nn/tensor-tree.js';
import { adamStep, initOptimState } from './adamw.js';
import { adamWDefaults, type UpdatePlan, type UpdateSettings } from './rules.js';

beforeAll(useCpu);

/** torch.optim.AdamW's loop for one number, in double precision. */
function torchAdamW(
  p: number,
  grads: readonly number[],
  { lr, betas: [beta1, beta2], epsilon, weightDecay }: UpdateSettings,
): number {
  let [m, v] = [0, 0];
  grads.forEach((g, i) => {
    const t = i + 1;
    p *= 1 - lr * weightDecay;
    m = m + (g - m) * (1 - beta1);
    v = v * beta2 + g * g * (1 - beta2);
    const stepSize = lr / (1 - beta1 ** t);
    p -= (stepSize * m) / (Math.sqrt(v) / Math.sqrt(1 - beta2 ** t) + epsilon);
  });
  return p;
}

const settings = (over: Partial<UpdateSettings> = {}): UpdateSettings => ({ ...adamWDefaults, lr: 1e-2, ...over });

describe('adamStep', () => {
  it.each([
    { name: 'the defaults', over: {} },
    { name: "the VAE's Adam: betas 0.5, 0.9, no decay", over: { betas: [0.5, 0.9], weightDecay: 0 } as const },
    { name: 'an epsilon that matters', over: { epsilon: 0.3, weightDecay: 0.5 } },
    { name: 'beta1 0', over: { betas: [0, 0.99] } as const },
  ])('follows PyTorch over twenty steps: $name', ({ over }) => {
    const plan: UpdatePlan = new Map([['w', settings(over)]]);
    const start = randn([5], 1);
    let params = new Params([['w', start]]);
    let state = initOptimState(params, plan);
    const grads = Array.from({ length: 20 }, (_, i) => randn([5], 100 + i));
    for (const grad of grads) ({ params, state } = adamStep(params, new Params([['w', grad]]), state, plan));
    const wanted = Array.from(start.dataSync(), (p, i) =>
      torchAdamW(
        p,
        grads.map((grad) => grad.dataSync()[i]!),
        settings(over),
      ),
    );
    expectClose(params.get('w')!, wanted, 2e-6);
    expectClose(state.step, [20], 0);
    expect(state.step.dtype).toBe('int32');
  });

  it('moves by the learning rate in the first step, whatever the size of the gradient', () => {
    const plan: UpdatePlan = new Map([['w', settings({ lr: 1e-3, weightDecay: 0 })]]);
    const params = new Params([['w', tf.zeros([3])]]);
    const grads = new Params([['w', tf.tensor1d([1e-4, -7, 300])]]);
    const stepped = adamStep(params, grads, initOptimState(params, plan), plan);
    expectClose(stepped.params.get('w')!, [-1e-3 * (1e-4 / (1e-4 + 1e-8)), 1e-3, -1e-3], 2e-9);
  });

  it('keeps its precision after a hundred thousand steps', () => {
    const plan: UpdatePlan = new Map([['w', settings({ weightDecay: 0 })]]);
    const params = new Params([['w', tf.tensor1d([1])]]);
    const moments = { m: new Params([['w', tf.tensor1d([0.5])]]), v: new Params([['w', tf.tensor1d([0.25])]]) };
    const grads = new Params([['w', tf.tensor1d([0.5])]]);
    const stepped = adamStep(params, grads, { step: tf.scalar(100_000, 'int32'), ...moments }, plan);
    expectClose(stepped.params.get('w')!, [0.99], 1e-6);
  });

  it('leaves parameters without gradient or plan alone, without decay, and hands their tensors on', () => {
    const params = new Params([
      ['trained', tf.ones([2])],
      ['unused', tf.ones([2])],
      ['frozen', tf.ones([2])],
    ]);
    const plan: UpdatePlan = new Map([
      ['trained', settings()],
      ['unused', settings({ weightDecay: 0.5 })],
    ]);
    const state = initOptimState(params, plan);
    expect([...state.m.keys()]).toEqual(['trained', 'unused']);
    const grads = new Params([
      ['trained', tf.ones([2])],
      ['frozen', tf.ones([2])],
    ]);
    const next = adamStep(params, grads, state, plan);
    expect(next.params.get('unused')).toBe(params.get('unused'));
    expect(next.params.get('frozen')).toBe(params.get('frozen'));
    expect(next.state.m.get('unused')).toBe(state.m.get('unused'));
    expect(next.params.get('trained')).not.toBe(params.get('trained'));
    expect([...next.params.keys()]).toEqual([...params.keys()]);
  });

  it('scales all learning rates, decay included, by a number or a tensor', () => {
    const params = new Params([['w', randn([4], 1)]]);
    const grads = new Params([['w', randn([4], 2)]]);
    const at = (lr: number, lrScale: number | tf.Scalar) => {
      const plan: UpdatePlan = new Map([['w', settings({ lr, weightDecay: 0.5 })]]);
      return adamStep(params, grads, initOptimState(params, plan), plan, { lrScale }).params.get('w')!;
    };
    expectClose(at(1e-2, 0.25), at(2.5e-3, 1), 1e-7);
    expectClose(at(1e-2, tf.scalar(0.25)), at(2.5e-3, 1), 1e-7);
    expectClose(at(1e-2, 0), params.get('w')!, 0);
  });

  it('counts in float32 too', () => {
    const plan: UpdatePlan = new Map([['w', settings()]]);
    const params = new Params([['w', tf.ones([1])]]);
    const state = { ...initOptimState(params, plan), step: tf.scalar(4) };
    const next = adamStep(params, params, state, plan).state.step;
    expect([next.dtype, next.dataSync()[0]]).toEqual(['float32', 5]);
  });

  it('leaves only new weights and state, and changes none of the old', () => {
    const plan: UpdatePlan = new Map([['w', settings()]]);
    const params = new Params([
      ['w', tf.ones([3])],
      ['frozen', tf.ones([3])],
    ]);
    const grads = new Params([['w', tf.ones([3])]]);
    const state = initOptimState(params, plan);
    const before = tf.memory().numTensors;
    const next = adamStep(params, grads, state, plan);
    expect(tf.memory().numTensors).toBe(before + 4); // w, m, v, step
    expectClose(params.get('w')!, [1, 1, 1], 0);
    disposeReplaced([params, state], [next.params, next.state]);
    expect(tf.memory().numTensors).toBe(before);
    expect(tensorsOf([next.params, next.state]).some((tensor) => tensor.isDisposed)).toBe(false);
    tidyTree(() => void adamStep(next.params, grads, next.state, plan));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names a parameter whose moments or gradient do not fit', () => {
    const plan: UpdatePlan = new Map([['w', settings()]]);
    const params = new Params([['w', tf.ones([3])]]);
    const empty = { step: tf.scalar(0, 'int32'), m: new Params(), v: new Params() };
    expect(() => adamStep(params, params, empty, plan)).toThrow("no moments for 'w'");
    const grads = new Params([['w', tf.ones([2])]]);
    expect(() => adamStep(params, grads, initOptimState(params, plan), plan)).toThrow(
      "gradient of 'w' is [2], the parameter is [3]",
    );
  });
});

describe('on a backend with AdamUpdate', () => {
  afterEach(() => tf.unregisterKernel('AdamUpdate', 'cpu'));

  it('hands it what the contract says', () => {
    const plan: UpdatePlan = new Map([['w', settings({ lr: 0.1 })]]);
    const params = new Params([['w', tf.tensor1d([2])]]);
    const grads = new Params([['w', tf.tensor1d([0.5])]]);
    const calls: unknown[] = [];
    const wanted = adamStep(params, grads, initOptimState(params, plan), plan);
    tf.registerKernel({
      kernelName: 'AdamUpdate',
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs }) => {
        const at = (name: string) => (inputs[name] as tf.Tensor).dataSync()[0]!;
        calls.push([Object.keys(inputs), attrs]);
        // The contract's formula, in double precision.
        const [beta1, beta2] = [attrs?.beta1 as number, attrs?.beta2 as number];
        const m = at('m') + (1 - beta1) * (at('grad') - at('m'));
        const v = beta2 * at('v') + (1 - beta2) * at('grad') ** 2;
        const p = at('param') - at('decay') * at('param') - (at('lr') * m) / (Math.sqrt(v) + at('epsilon'));
        return [tf.tensor1d([p]), tf.tensor1d([m]), tf.tensor1d([v])];
      },
    });
    const got = adamStep(params, grads, initOptimState(params, plan), plan);
    expect(calls).toEqual([
      [['param', 'm', 'v', 'grad', 'lr', 'epsilon', 'decay'], { beta1: Math.fround(0.9), beta2: Math.fround(0.999) }],
    ]);
    expectClose(got.params.get('w')!, wanted.params.get('w')!, 1e-6);
    expectClose(got.state.m.get('w')!, wanted.state.m.get('w')!, 1e-7);
    expectClose(got.state.v.get('w')!, wanted.state.v.get('w')!, 1e-7);
  });
});
