import { compile, inspect, useEngine } from '@codiff/engine';
import { adamDefaults, initParams, Params, Rng, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { lively, type Tiny, tinyBatch, tinyCompose, tinyDiffusion, tinyVae, unet } from '../../test/tiny-models.js';
import { type Compile, eagerly } from './consume.js';
import { applyGradients, initGroup } from './optim-group.js';
import type { Logs, StepControl, TrainState } from './train-state.js';

beforeAll(() => useEngine({ device: 'cpu', deterministic: true }));

const control = (index: number, update = true): StepControl => ({
  seed: Rng.of(3).split(index).toTensor(),
  globalStep: tf.scalar(index, 'int32'),
  lrScale: tf.scalar(1),
  update,
});

type Values = Map<string, Float32Array | Int32Array>;

async function valuesOf(params: ReadonlyMap<string, tf.Tensor>): Promise<Values> {
  const values: Values = new Map();
  for (const [key, tensor] of params) values.set(key, (await tensor.data()).slice() as Float32Array);
  return values;
}

const changed = (before: Values, after: Values): string[] =>
  [...before.keys()].filter((key) => {
    const [a, b] = [before.get(key)!, after.get(key)!];
    return a.some((value, i) => !Object.is(value, b[i]));
  });

const read = async (logs: Logs): Promise<Record<string, number>> =>
  Object.fromEntries(
    await Promise.all(Object.entries(logs).map(async ([name, value]) => [name, (await value.data())[0]!] as const)),
  );

/** Train from seeded weights on one batch again and again. */
async function run(
  { training, specs }: Tiny,
  steps: number,
  { make = eagerly, accumulate = 1, begin = (specs) => initParams(specs, 1) } = {} as RunOptions,
) {
  const divided = training.divide(begin(specs));
  const before = await valuesOf(training.weights(divided));
  const step = (make as Compile)(training.step, { name: 'step', state: 0 });
  let { state } = divided;
  const losses: Record<string, number>[] = [];
  for (let i = 0; i < steps; i++) {
    const [next, logs] = step(state, divided.frozen, tinyBatch(), control(i, (i + 1) % accumulate === 0));
    state = next;
    losses.push(await read(logs));
  }
  const after = await valuesOf(training.weights({ ...divided, state }));
  return { before, after, losses, state, frozen: divided.frozen };
}
interface RunOptions {
  readonly make?: Compile;
  readonly accumulate?: number;
  readonly begin?: (specs: Tiny['specs']) => Params;
}

describe('latent diffusion', () => {
  it.each(['text', 'mask'] as const)(
    'of %s: the UNet and its encoder learn, all else stays bit-identical',
    async (kind) => {
      const { before, after, losses } = await run(tinyDiffusion(kind), 12);
      const moved = changed(before, after);
      expect(moved.some((key) => key.startsWith('model.diffusion_model.'))).toBe(true);
      expect(moved.some((key) => key.startsWith('cond_stage_model.'))).toBe(true);
      expect(moved.filter((key) => !/^(model|cond_stage_model)\./.test(key))).toEqual([]);
      const mean = (part: Record<string, number>[]) =>
        part.reduce((sum, log) => sum + log['train/loss']!, 0) / part.length;
      expect(mean(losses.slice(-4))).toBeLessThan(mean(losses.slice(0, 4)));
      expect(Object.keys(losses[0]!)).toEqual(['train/loss_simple', 'train/loss_vlb', 'train/loss']);
    },
  );

  it('leaves the encoder alone where it is not trainable', async () => {
    const { before, after } = await run(tinyDiffusion('text', {}, { cond_stage_trainable: false }), 2);
    const moved = changed(before, after);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.filter((key) => !key.startsWith('model.'))).toEqual([]);
  });

  it('gives the same numbers from the same seed, eager and compiled', async () => {
    const [first, second] = [await run(tinyDiffusion('text'), 3), await run(tinyDiffusion('text'), 3)];
    expect(second.losses).toEqual(first.losses);
    expect(changed(first.after, second.after)).toEqual([]);
    const compiled = await run(tinyDiffusion('text'), 3, { make: compile });
    compiled.losses.forEach((log, i) => {
      expect(log['train/loss']! / first.losses[i]!['train/loss']!).toBeCloseTo(1, 4);
    });
    expect(changed(first.before, compiled.before)).toEqual([]);
  });

  it('frees the state it consumes', async () => {
    const { training, specs } = tinyDiffusion('text', { accumulate: 2 }, { use_ema: true });
    const { state, frozen } = training.divide(initParams(specs, 1));
    const step = eagerly(training.step, { name: 'step', state: 0 });
    const [batch, given] = [tinyBatch(), [control(0, false), control(1)]];
    const held = tf.memory().numTensors;
    let current = state;
    for (const now of given) {
      const [next, logs] = step(current, frozen, batch, now);
      tf.dispose(tensorsOf(logs));
      current = next;
    }
    expect(tf.memory().numTensors).toBe(held);
  });

  it('accumulates: nothing moves until the update, which takes the mean gradient', async () => {
    const { before, after } = await run(tinyDiffusion('text', { accumulate: 3 }), 2, { accumulate: 3 });
    expect(changed(before, after)).toEqual([]);
    const half = await run(tinyDiffusion('text', { accumulate: 2 }), 2, { accumulate: 2 });
    // Adam's first step goes by the gradient's sign alone, so the moment shows the mean.
    const key = 'model.diffusion_model.out.2.bias';
    const gradientOf = async (index: number) => {
      const { training, specs } = tinyDiffusion('text', { accumulate: 2 });
      const { state, frozen } = training.divide(initParams(specs, 1));
      const [next] = training.step(state, frozen, tinyBatch(), control(index, false));
      return next.groups.model!.grads.get(key)!.data();
    };
    const [a, b] = [await gradientOf(0), await gradientOf(1)];
    const moment = await half.state.groups.model!.optim.m.get(key)!.data();
    moment.forEach((m, i) => {
      expect(m).toBeCloseTo(0.1 * (a[i]! + b[i]!), 6);
    });
    expect(tensorsOf(half.state.groups.model!.grads).every((grad) => grad.dataSync().every((x) => x === 0))).toBe(true);
  });

  it('clips by the global norm and logs it', async () => {
    const { losses, state } = await run(tinyDiffusion('text', { clipNorm: 1e-3 }), 1);
    expect(losses[0]!['train/grad_norm']).toBeGreaterThan(1e-3);
    const squares = [...state.groups.model!.optim.m.values()].map((m) => tf.sum(tf.square(m)).dataSync()[0]!);
    // The first moment is a tenth of the clipped gradient.
    expect(Math.sqrt(squares.reduce((a, b) => a + b, 0))).toBeCloseTo(1e-4, 6);
  });

  it('trains groups at their own rates, and freezes by rule', async () => {
    const { before, after } = await run(
      tinyDiffusion('text', {
        rules: [
          { match: /^cond_stage_model\./, lr: null },
          { match: /time_embed/, lr: 0 },
        ],
      }),
      2,
    );
    const moved = changed(before, after);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.filter((key) => key.startsWith('cond_stage_model.') || key.includes('time_embed'))).toEqual([]);
  });

  it('keeps averages of the UNet under their checkpoint keys, after every batch', async () => {
    const tiny = tinyDiffusion('text', { accumulate: 2 }, { use_ema: true });
    const { before, after } = await run(tiny, 4, { accumulate: 2 });
    expect([...after.keys()].sort()).toEqual([...tiny.specs.keys()].sort());
    expect([before.get('model_ema.num_updates')![0], after.get('model_ema.num_updates')![0]]).toEqual([0, 4]);
    const name = 'diffusion_model.out.2.bias';
    const [weight, average] = [after.get(`model.${name}`)!, after.get(`model_ema.${name.replaceAll('.', '')}`)!];
    expect(average.every((value, i) => Math.abs(value) < Math.abs(weight[i]!) && value !== 0)).toBe(true);
  });

  it('evaluates with given draws: twice the same, and a second estimate under `_ema`', async () => {
    const { training, specs } = tinyDiffusion('text');
    const { state, frozen } = training.divide(initParams(specs, 1));
    const evaluate = async () => read(training.evaluate(state, frozen, tinyBatch(), control(0)));
    const [first, second] = [await evaluate(), await evaluate()];
    expect(second).toEqual(first);
    expect(first['val/loss_simple']).not.toBe(first['val/loss_simple_ema']);
    expect(first['val/loss_simple']! / first['val/loss_simple_ema']!).toBeGreaterThan(0.5);
  });

  it('says which batch key is missing', () => {
    const { training, specs } = tinyDiffusion('text');
    const { state, frozen } = training.divide(initParams(specs, 1));
    const { image, seg_mask, caption } = tinyBatch();
    expect(() => training.step(state, frozen, { image, seg_mask }, control(0))).toThrow(
      "holds image, seg_mask; the condition is wanted under 'caption'",
    );
    expect(() => training.step(state, frozen, { caption }, control(0))).toThrow(/images \[B,H,W,C\] under 'image'/);
  });
});

describe('collaborative diffusion', () => {
  it.each([false, true])(
    'only the dynamic diffusers change, all else is bit-identical (averages: %s)',
    async (useEma) => {
      const { before, after, state } = await run(tinyCompose({}, { use_ema: useEma }), 2, { make: compile });
      const moved = changed(before, after);
      expect(moved.filter((key) => key.includes('_confidence_predictor.')).length).toBeGreaterThan(10);
      expect(moved.filter((key) => !/^model\.\w+_confidence_predictor\.|^model_ema\./.test(key))).toEqual([]);
      expect([...state.groups.model!.params.keys()].every((key) => key.includes('_confidence_predictor.'))).toBe(true);
    },
  );
});

/** The largest magnitude. */
const largest = (values: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
};

describe('a batch in branches', () => {
  const { target, params } = unet(3);
  const forgetful = { unet_config: { target, params: { ...params, dropout: 0.5 } }, num_timesteps_cond: 5 };
  type Make = (options: { readonly branches?: number }) => Tiny;

  it.each<[string, number, Make]>([
    ['text, dropout, noised conditions', 2, (options) => tinyDiffusion('text', options, forgetful)],
    ['more branches than images', 3, (options) => tinyDiffusion('text', options)],
    ['mask, a learned variance', 2, (options) => tinyDiffusion('mask', options, { learn_logvar: true })],
    ['collaborative, noised conditions', 2, (options) => tinyCompose(options, { num_timesteps_cond: 5 })],
    [
      'collaborative, influence by timestep',
      2,
      (options) => tinyCompose(options, {}, { seg_mask_schedule: 'cosine_decay' }),
    ],
    ['autoencoder without a discriminator', 2, (options) => tinyVae(options, { disc_factor: 0 })],
    ['autoencoder with one, undivided', 2, (options) => tinyVae(options, { disc_start: 0 })],
  ])('gives the losses and gradients of the whole: %s', async (_, branches, make) => {
    const begin = (specs: Tiny['specs']) => initParams(specs, 1).map(lively);
    const whole = await run(make({}), 1, { begin });
    const divided = await run(make({ branches }), 1, { begin });
    const [a, b] = [whole.losses[0]!, divided.losses[0]!];
    expect(Object.keys(b)).toEqual(Object.keys(a));
    for (const [name, value] of Object.entries(a))
      expect(Math.abs(b[name]! - value), name).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
    for (const [name, group] of Object.entries(whole.state.groups)) {
      // The first moment is a part of the gradient.
      const [m, n] = [await valuesOf(group.optim.m), await valuesOf(divided.state.groups[name]!.optim.m)];
      const size = largest([...m.values()].map(largest));
      if (name !== 'discriminator') expect(size).toBeGreaterThan(0);
      for (const [key, values] of m) {
        const far = largest(values.map((value, i) => value - n.get(key)![i]!));
        expect(far, key).toBeLessThanOrEqual(1e-5 * size);
      }
    }
  });

  it('has as many passes as parts', async () => {
    const passes = (tiny: Tiny) => {
      const { state, frozen } = tiny.training.divide(initParams(tiny.specs, 1));
      const { nodes } = inspect(
        (state: TrainState, frozen: Params) => tiny.training.step(state, frozen, tinyBatch(), control(0)),
        [state, frozen],
      ).graph;
      return nodes.filter(({ op }) => op === 'Conv2D').length;
    };
    const vae = (disc_factor: number, branches: number) => passes(tinyVae({ branches }, { disc_factor }));
    expect(passes(tinyDiffusion('mask', { branches: 2 }))).toBeGreaterThan(1.5 * passes(tinyDiffusion('mask')));
    expect(vae(0, 2)).toBe(2 * vae(0, 1));
    expect(vae(1, 2)).toBe(vae(1, 1));
  });

  it('evaluates alike', async () => {
    const { specs } = tinyDiffusion('text');
    const [whole, divided] = await Promise.all(
      [1, 2].map(async (branches) => {
        const { training } = tinyDiffusion('text', { branches });
        const { state, frozen } = training.divide(initParams(specs, 1));
        return read(training.evaluate(state, frozen, tinyBatch(), control(0)));
      }),
    );
    for (const [name, value] of Object.entries(whole!)) expect(divided![name]! / value, name).toBeCloseTo(1, 5);
  });
});

describe('autoencoder', () => {
  it('moves both parts and the statistics, compiled as eagerly', async () => {
    const eager = await run(tinyVae(), 4);
    const compiled = await run(tinyVae(), 4, { make: compile });
    for (const { before, after, losses } of [eager, compiled]) {
      const moved = changed(before, after);
      for (const part of ['encoder.', 'decoder.', 'quant_conv.', 'post_quant_conv.', 'loss.discriminator.main.0']) {
        expect(moved.some((key) => key.startsWith(part))).toBe(true);
      }
      expect(moved).toContain('loss.discriminator.main.3.running_mean');
      expect(after.get('loss.discriminator.main.3.num_batches_tracked')![0]).toBe(3 * 4);
      expect(moved).not.toContain('loss.logvar');
      expect(losses.map((log) => log['train/disc_factor'])).toEqual([0, 0, 1, 1]);
      expect(losses[0]!['train/d_weight']).toBeGreaterThan(0);
      expect(losses[3]!['train/nll_loss']).toBeLessThan(losses[0]!['train/nll_loss']!);
    }
    compiled.losses.forEach((log, i) => {
      expect(log['train/total_loss']! / eager.losses[i]!['train/total_loss']!).toBeCloseTo(1, 3);
    });
  });

  it('neither runs nor moves a discriminator that never counts', async () => {
    const { before, after, losses, state, frozen } = await run(tinyVae({}, { disc_factor: 0 }), 3, { make: compile });
    const moved = changed(before, after);
    expect(moved.some((key) => key.startsWith('decoder.'))).toBe(true);
    expect(moved.filter((key) => key.startsWith('loss.'))).toEqual([]);
    expect(losses[2]!['train/rec_loss']).toBeLessThan(losses[0]!['train/rec_loss']!);
    expect(losses[2]!['train/g_loss']).toBe(0);
    expect(losses[2]).not.toHaveProperty('train/disc_loss');
    const { training } = tinyVae({}, { disc_factor: 0 });
    const logs = await read(training.evaluate(state, frozen, tinyBatch(), control(9)));
    expect(logs['val/rec_loss']).toBeGreaterThan(0);
    expect(logs).not.toHaveProperty('val/disc_loss');
  });

  it('accumulates both gradients, and evaluates without touching anything', async () => {
    const { before, after, state, frozen } = await run(tinyVae({ accumulate: 2 }), 1, { accumulate: 2 });
    expect(changed(before, after).every((key) => /running_|num_batches/.test(key))).toBe(true);
    const { training } = tinyVae({ accumulate: 2 });
    const logs = await read(training.evaluate(state, frozen, tinyBatch(), control(9)));
    expect(logs['val/d_weight']).toBe(0);
    expect(logs['val/disc_factor']).toBe(1);
    expect(logs['val/rec_loss']).toBeGreaterThan(0);
    const still = await valuesOf(training.weights({ state, frozen }));
    expect(changed(after, still)).toEqual([]);
  });
});

describe('applyGradients', () => {
  it("adds PyTorch's decay to gradients when asked", () => {
    const plan = new Map([['w', { ...adamDefaults, lr: 0.1 }]]);
    const group = initGroup(new Params([['w', tf.tensor1d([2])]]), plan, {});
    const grads = new Params([['w', tf.tensor1d([1])]]);
    const next = applyGradients('model', group, grads, plan, control(0), { l2: 0.1 });
    expect(next.group.optim.m.get('w')!.dataSync()[0]).toBeCloseTo(0.1 * (1 + 0.1 * 2), 6);
  });
});
