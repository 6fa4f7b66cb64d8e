import { ConfigError, Scope, tensorsOf, valueAndGrads } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectFlat, expectTensors, randn, useCpu } from '../../test/support.js';
import {
  branchFile,
  FILES,
  type Tiny,
  tinyConditions,
  tinyConfig,
  tinyLatents,
  tinyModel,
} from '../../test/tiny-model.js';
import { composeFixed } from '../compose-fixed.js';
import { codiffRegistry, composeRoles } from '../config/targets.js';
import { influenceMaps } from '../influence.js';
import { composeOptions } from './compose-options.js';

let two: Tiny;
let three: Tiny;
const ALL = ['seg_mask', 'text', 'sketch'];

beforeAll(async () => {
  await useCpu();
  two = tinyModel();
  three = tinyModel({ conditions: ALL });
});

const steps = (t: number) => tf.tensor1d([t], 'int32');
const tops = (keys: Iterable<string>, parts: number) => [
  ...new Set([...keys].map((key) => key.split('.').slice(0, parts).join('.'))),
];

describe('structure', () => {
  it('keeps its parts where the original does, in its order', () => {
    const keys = [...two.specs.keys()].slice(12);
    expect(tops(keys, 2)).toEqual([
      'model.seg_mask_confidence_predictor',
      'model.text_confidence_predictor',
      'model.seg_mask_unet',
      'model.text_unet',
      'first_stage_model.encoder',
      'first_stage_model.decoder',
      'first_stage_model.quant_conv',
      'first_stage_model.post_quant_conv',
      'cond_stage_model.text_cond_stage_model',
      'cond_stage_model.seg_mask_cond_stage_model',
    ]);
  });

  it('has a sketch as third modality', () => {
    expect(three.model.conditions).toEqual(ALL);
    expect(tops(three.specs.keys(), 2)).toContain('model.sketch_unet');
    expect(three.specs.has('cond_stage_model.sketch_cond_stage_model.linear.weight')).toBe(true);
  });

  it('averages the dynamic diffusers only', () => {
    const scope = Scope.root();
    const config = tinyConfig({ params: { use_ema: true } });
    const model = codiffRegistry.build(config, composeRoles.collaborative, scope, { files: FILES });
    const trained = [...scope.specs.keys()].filter((key) => model.isTrained(key));
    const averages = [...scope.specs.keys()].filter((key) => key.startsWith('model_ema.'));
    expect(averages).toHaveLength(trained.length + 2);
    expect(averages).toContain('model_ema.text_confidence_predictordiffusion_modelout2weight');
  });

  it('trains the dynamic diffusers only', () => {
    const trained = [...two.specs.keys()].filter((key) => two.model.isTrained(key));
    expect(tops(trained, 2)).toEqual(['model.seg_mask_confidence_predictor', 'model.text_confidence_predictor']);
  });
});

describe('a step', () => {
  it('is the same from embeddings as from keys and values made beforehand', () => {
    const { model, params } = two;
    const embeddings = model.encodeConditions(params, tinyConditions());
    const contexts = model.contextKeys(params, embeddings);
    const inputs = { x: tinyLatents(1), t: steps(301) };
    const fromEmbeddings = model.mix(params, { ...inputs, contexts: embeddings });
    const fromKeys = model.mix(params, { ...inputs, contexts });
    expectClose(fromKeys.eps, fromEmbeddings.eps, 1e-6);
    expectClose(fromKeys.influence.text, fromEmbeddings.influence.text!, 1e-6);
    expectFlat(tf.add(fromKeys.influence.text!, fromKeys.influence.seg_mask!), 1);
    // The networks say something, so that the comparison does too.
    expect(tf.moments(fromKeys.eps).variance.dataSync()[0]).toBeGreaterThan(1e-4);
    expect(tf.moments(fromKeys.influence.text!).variance.dataSync()[0]).toBeGreaterThan(1e-8);
  });

  it('mixes three modalities by each one’s own rule', () => {
    const { model, params } = three;
    const contexts = model.encodeConditions(params, tinyConditions(ALL));
    const [x, t] = [tinyLatents(2), steps(650)];
    const rules = [
      { name: 'sketch', scale: 3 },
      { name: 'text', remainder: true },
      { name: 'seg_mask', schedule: 'cosine_decay' },
    ] as const;
    const mixed = model.mix(params, { x, t, contexts }, { rules, influenceInput: 'x_t' });
    const logits = rules.map(({ name }) => model.unet.influenceLogits(params, name, x, { t, contexts }));
    const maps = influenceMaps(logits, rules, t);
    for (const [i, { name }] of rules.entries()) expectClose(mixed.influence[name], maps[i]!, 1e-6);
    const sum = tf.addN(rules.map(({ name }, i) => tf.mul(maps[i]!, mixed.branches[name]!)));
    expectClose(mixed.eps, sum, 1e-5);
  });

  it('has the baseline of fixed weights over the same branches', () => {
    const { model, params } = two;
    const [x, t] = [tinyLatents(1), steps(301)];
    const contexts = model.encodeConditions(params, tinyConditions());
    const half = composeFixed(
      model.conditions.map((name) => ({
        name,
        ...(name === 'text' ? { remainder: true } : { weight: 0.5 }),
        eps: (x, t) => model.unet.branchNoise(params, name, x, { t, contexts }),
      })),
    )(x, t);
    const { branches } = model.mix(params, { x, t, contexts });
    expectClose(half.branches.seg_mask, branches.seg_mask!, 0);
    expectClose(half.eps, tf.div(tf.add(branches.text!, branches.seg_mask!), 2), 1e-6);
  });

  it('does what the config says where nothing else is said', () => {
    const compose = { seg_mask_scale_factor: 2, seg_mask_schedule: 'linear_decay', confidence_input: 'unet_output' };
    const { model, params } = tinyModel({ compose });
    expect(model.unet.options).toEqual({
      rules: [
        { name: 'seg_mask', scale: 2, schedule: 'linear_decay' },
        { name: 'text', remainder: true },
      ],
      influenceInput: 'unet_output',
      softmaxTwice: false,
      boostFactor: 1,
    });
    const inputs = { x: tinyLatents(1), t: steps(500), contexts: model.encodeConditions(params, tinyConditions()) };
    const own = model.mix(params, inputs);
    const plain = model.mix(
      params,
      inputs,
      composeOptions({ ...model.unet.config, segMaskSchedule: null }, ['seg_mask', 'text']),
    );
    expectClose(model.mix(params, inputs).eps, own.eps, 0);
    expect(tf.max(tf.abs(tf.sub(plain.eps, own.eps))).dataSync()[0]).toBeGreaterThan(1e-4);
    params.dispose();
  });

  describe('with an influence that is constant over', () => {
    const x = () => tinyLatents(1);
    // In 32 channels each is its own group, so norms would take away all that a timestep adds.
    const { target, params: predictor } =
      tinyConfig().params.compose_unet_config.params.confidence_map_predictor_config;
    const wide = { target, params: { ...predictor, model_channels: 64 } };
    const ablated = (axis: 'time' | 'space' | null) =>
      tinyModel({ compose: { confidence_map_predictor_config: wide, influence: { constant_over: axis } } });
    const logitsAt = ({ model, params }: Tiny, t: number) =>
      model.unet.influenceLogits(params, 'text', x(), {
        t: steps(t),
        contexts: model.encodeConditions(params, tinyConditions()),
      });

    it('time, the dynamic diffusers are told timestep 0 at every step', () => {
      const [full, constant] = [ablated(null), ablated('time')];
      expectClose(logitsAt(constant, 900), logitsAt(full, 0), 0);
      expectClose(logitsAt(constant, 20), logitsAt(full, 0), 0);
      expect(tf.max(tf.abs(tf.sub(logitsAt(full, 900), logitsAt(full, 20)))).dataSync()[0]).toBeGreaterThan(1e-4);
      for (const { params } of [full, constant]) params.dispose();
    });

    it('space, every pixel has the mean of the logits, of its own image', () => {
      const [full, constant] = [ablated(null), ablated('space')];
      const logits = logitsAt(full, 900);
      expect(tf.sub(tf.max(logits), tf.min(logits)).dataSync()[0]).toBeGreaterThan(1e-4);
      expectFlat(logitsAt(constant, 900), tf.mean(logits).dataSync()[0]!);
      for (const { params } of [full, constant]) params.dispose();
    });

    it.each(['time', 'space'] as const)('%s, it is trained, and leaves nothing behind', async (axis) => {
      const { model, params } = ablated(axis);
      const embeddings = model.encodeConditions(params, tinyConditions());
      const batch = { x0: x(), noise: tinyLatents(2), t: steps(301), embeddings };
      const trained = params.filter((key) => model.isTrained(key) && key.endsWith('out.2.weight'));
      const { grads } = valueAndGrads((p) => model.losses(params.merge(p), batch), trained);
      for (const grad of grads.values()) expect(tf.max(tf.abs(grad)).dataSync()[0]).toBeGreaterThan(0);
      const inputs = { t: steps(7), contexts: embeddings };
      await expectTensors(1, () => model.unet.influenceLogits(params, 'text', batch.x0, inputs));
      params.dispose();
    });
  });

  it('leaves nothing behind but what it returns', async () => {
    const { model, params } = two;
    const contexts = model.encodeConditions(params, tinyConditions());
    const [x, t] = [tinyLatents(1), steps(301)];
    await expectTensors(5, () => model.mix(params, { x, t, contexts }));
    await expectTensors(0, () => tf.dispose(tensorsOf(model.contextKeys(params, contexts))));
  });
});

describe('training', () => {
  it('gives gradients for the dynamic diffusers and nothing else, and keeps nothing', async () => {
    const { model, params, specs } = two;
    const isTrained = (key: string) => specs.get(key)!.kind === 'parameter' && model.isTrained(key);
    const batch = {
      x0: tinyLatents(1),
      noise: tinyLatents(2),
      t: steps(301),
      embeddings: model.encodeConditions(params, tinyConditions()),
    };
    const trained = params.filter(isTrained);
    await expectTensors(0, () =>
      tf.tidy(() => {
        const { value, grads } = valueAndGrads((p) => model.losses(params.merge(p), batch), trained);
        expect([...grads.keys()].sort()).toEqual([...trained.keys()].sort());
        for (const [key, grad] of grads)
          expect([key, Number.isFinite(tf.sum(grad).dataSync()[0])]).toEqual([key, true]);
        expect(value.loss.dataSync()[0]).toBeCloseTo(value.lossSimple.dataSync()[0]!, 6);
      }),
    );
  });
});

describe('manual_prob', () => {
  const rules = { seg_mask_scale_factor: 5, seg_mask_schedule: 'linear_decay' };
  const lossWith = (manual_prob: number, draw?: number) => {
    const { model, params } = tinyModel({ compose: { ...rules, manual_prob } });
    try {
      return tf.tidy(() => {
        const embeddings = model.encodeConditions(params, tinyConditions());
        const batch = { x0: tinyLatents(1), noise: tinyLatents(2), t: steps(301), embeddings };
        const given = draw === undefined ? {} : { draw: tf.scalar(draw) };
        return model.losses(params, { ...batch, ...given }).loss.dataSync()[0]!;
      });
    } finally {
      params.dispose();
    }
  };

  it('applies the rules of the config in a training pass where a draw is at most it', () => {
    const [always, never] = [lossWith(1), lossWith(-1)];
    expect(Math.abs(always - never)).toBeGreaterThan(1e-5);
    expect([lossWith(0.4, 0.4), lossWith(0.4, 0.41), lossWith(0, 0)]).toEqual([always, never, always]);
    expect(() => lossWith(0.4)).toThrow(/manual_prob is 0.4, so each pass needs a draw/);
  });
});

describe('a pass as the original’s config asks for it', () => {
  it('gives maps and branches where they are asked for, and frees the others', async () => {
    const { model, params } = two;
    const inputs = {
      x: tinyLatents(1),
      t: steps(301),
      contexts: model.encodeConditions(params, tinyConditions()),
    };
    const { eps, influence, branches } = model.mix(params, inputs);
    const asked = (compose: Readonly<Record<string, unknown>>) =>
      tinyModel({ compose }).model.unet.forward(params, inputs);
    await expectTensors(1, () => model.unet.forward(params, inputs));
    expectClose(model.unet.forward(params, inputs).output, eps, 0);
    const maps = asked({ return_confidence_map: true });
    expect(Object.keys(maps)).toEqual(['output', 'seg_mask_confidence_map', 'text_confidence_map']);
    expectClose(maps.text_confidence_map, influence.text!, 0);
    const noise = asked({ return_each_branch: true });
    expect(Object.keys(noise)).toEqual(['output', 'seg_mask_unet_output', 'text_unet_output']);
    expectClose(noise.seg_mask_unet_output, branches.seg_mask!, 0);
  });
});

describe('num_timesteps_cond', () => {
  it('noises every condition at its own timestep, and none where it is 1', () => {
    const noised = (num_timesteps_cond: number, t: number) => {
      const { model, params } = tinyModel({ params: { num_timesteps_cond } });
      const embeddings = model.encodeConditions(params, tinyConditions());
      const shapes: string[] = [];
      const given = model.noisedConditions(embeddings, steps(t), (name, shape) => {
        shapes.push(`${name} ${shape}`);
        return tf.ones([...shape] as [number, number, number]);
      });
      const { schedule } = model;
      params.dispose();
      return { embeddings, given, shapes, schedule };
    };
    const none = noised(1, 2);
    expect([none.given, none.shapes]).toEqual([none.embeddings, []]);
    // Of 3 steps spread over 0..999 the third is 999; so are all behind it.
    for (const [t, own] of [
      [0, 0],
      [2, 999],
      [700, 999],
    ] as const) {
      const { embeddings, given, shapes, schedule } = noised(3, t);
      expect(shapes).toEqual(['text 1,5,8', 'seg_mask 1,4,8']);
      const [signal, noise] = [schedule.sqrtAlphasCumprod[own]!, schedule.sqrtOneMinusAlphasCumprod[own]!];
      expectClose(given.text, tf.add(tf.mul(embeddings.text!, signal), noise), 1e-6);
    }
  });
});

describe('first stage', () => {
  it('goes to scaled latents and back', () => {
    const { model, params } = two;
    const images = tf.clipByValue(randn<tf.Rank.R4>([1, 8, 8, 3], 4), -1, 1);
    const z = model.encodeFirstStage(params, images, tf.zeros([1, 4, 4, 3]));
    expectClose(z, tf.mul(model.firstStage.encode(params, images).mean, 0.5), 1e-6);
    expect(model.decodeFirstStage(params, z).shape).toEqual([1, 8, 8, 3]);
  });
});

describe('refuses', () => {
  it('conditions that the model does not have, and the lack of one', () => {
    const { model, params } = two;
    expect(() => model.encodeConditions(params, tinyConditions(['seg_mask', 'sketch']))).toThrow(
      /conditions are \[text, seg_mask\], got \[seg_mask, sketch\]: unknown 'sketch', missing 'text'/,
    );
    const { text } = model.encodeConditions(params, tinyConditions());
    expect(() => model.contextKeys(params, { text: text! })).toThrow(/missing 'seg_mask'/);
    expect(() => model.mix(params, { x: tinyLatents(1), t: steps(1), contexts: { text: text! } })).toThrow(/missing/);
  });

  it('a branch that the model does not have', () => {
    const { model, params } = two;
    const inputs = { t: steps(1), contexts: model.encodeConditions(params, tinyConditions()) };
    expect(() => model.unet.branchNoise(params, 'sketch', tinyLatents(1), inputs)).toThrow(
      /no 'sketch'; .*seg_mask, text/,
    );
    const { text } = inputs.contexts;
    const without = { ...inputs, contexts: { text: text! } };
    expect(() => model.unet.influenceLogits(params, 'seg_mask', tinyLatents(1), without)).toThrow(
      /no context of 'seg_/,
    );
  });

  it('rules for other conditions, and two remainders', () => {
    const { model, params } = two;
    const contexts = model.encodeConditions(params, tinyConditions());
    const inputs = { x: tinyLatents(1), t: steps(1), contexts };
    const mixBy = (...rules: { name: string; remainder?: boolean }[]) =>
      model.mix(params, inputs, { rules, influenceInput: 'x_t' });
    expect(() => mixBy({ name: 'text', remainder: true })).toThrow(/rules: .*missing 'seg_mask'/);
    expect(() => mixBy({ name: 'text', remainder: true }, { name: 'seg_mask' }, { name: 'depth' })).toThrow(
      /unknown 'depth'/,
    );
    expect(() => mixBy({ name: 'text', remainder: true }, { name: 'text' }, { name: 'seg_mask' })).toThrow(/twice/);
    expect(() => mixBy({ name: 'text', remainder: true }, { name: 'seg_mask', remainder: true })).toThrow(
      /exactly one/,
    );
  });

  it('a branch without an encoder', () => {
    const files = { ...FILES, 'text.yaml': branchFile({ target: 'nowhere' }) };
    const build = () => codiffRegistry.build(tinyConfig(), composeRoles.collaborative, Scope.root(), { files });
    expect(build).toThrow(ConfigError);
    expect(build).toThrow(/nowhere/);
  });
});
