import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { DdConfig } from '../src/config/autoencoder-config.js';
import { ConfigError } from '../src/config/config-error.js';
import { snakeize } from '../src/config/names.js';
import { parseConfig } from '../src/config/object-parser.js';
import { applyOverrides } from '../src/config/overrides.js';
import { TARGETS } from '../src/config/target-ids.js';
import { ldmRegistry } from '../src/config/targets.js';
import { LatentDiffusion } from '../src/diffusion/latent-diffusion.js';
import { Conv2D } from '../src/nn/conv2d.js';
import { GEGLU } from '../src/nn/feed-forward.js';
import { GroupNorm, LayerNorm } from '../src/nn/norm.js';
import type { Params } from '../src/nn/params.js';
import { Rng } from '../src/nn/random.js';
import { type ParamSpec, Scope } from '../src/nn/scope.js';
import { BERTEmbedder } from '../src/text/bert-embedder.js';
import { AttentionBlock } from '../src/unet/attention-block.js';
import { BasicTransformerBlock } from '../src/unet/basic-transformer-block.js';
import { Downsample } from '../src/unet/downsample.js';
import { ResBlock } from '../src/unet/res-block.js';
import { SpatialTransformer } from '../src/unet/spatial-transformer.js';
import { UNetModel } from '../src/unet/unet.js';
import { Upsample } from '../src/unet/upsample.js';
import type { LastLayer } from '../src/vae/adaptive-weight.js';
import { AutoencoderKL } from '../src/vae/autoencoder.js';
import { LPIPSWithDiscriminator } from '../src/vae/gan-loss.js';
import { posteriorOf } from '../src/vae/posterior.js';
import { ResnetBlock } from '../src/vae/resnet-block.js';
import { SUBJECTS } from './argument-effects.js';
import { weightsOf } from './parity-case.js';
import { randn } from './support.js';

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

/** What was seen, as JSON can hold it. */
type Seen = readonly unknown[];

/** What a set of arguments comes to. */
type Outcome =
  | { readonly refused: readonly string[] }
  | { readonly keys: string; readonly output: string; readonly config: string };

const outcomes = new Map<string, Outcome>();

/** {@link compute}, once for each question: many rows start from the same arguments. */
function outcomeOf(target: string, params: object, overrides: readonly string[], observes: boolean): Outcome {
  const question = JSON.stringify([target, overrides, observes]);
  const known = outcomes.get(question);
  const outcome = known ?? compute(target, params, overrides, observes);
  outcomes.set(question, outcome);
  return outcome;
}

function compute(target: string, params: object, overrides: readonly string[], observes: boolean): Outcome {
  const tree = applyOverrides({ ...params }, [...overrides]);
  const { schema, roles } = ldmRegistry.targets.find(({ id }) => id === target)!;
  const scope = Scope.root();
  try {
    const built = ldmRegistry.build({ target, params: tree }, roles[0]!, scope);
    const keys = JSON.stringify([...scope.specs.values()].map(fingerprint));
    return {
      keys,
      output: observes ? JSON.stringify([scope.startingPoints, seen(built, scope.specs, keys)]) : '',
      config: JSON.stringify(parseConfig(schema, { target, params: tree })),
    };
  } catch (error) {
    if (error instanceof ConfigError) return { refused: error.problems.map(({ path }) => path) };
    throw error;
  }
}

/** The weights of the last model, which most rows share: VGG16 alone has 14 million. */
let last: { readonly keys: string; readonly params: Params } | undefined;

function seen(built: unknown, specs: ReadonlyMap<string, ParamSpec>, keys: string): Seen {
  if (last?.keys !== keys) {
    last?.params.dispose();
    last = { keys, params: weightsOf(specs) };
  }
  const { params } = last;
  let result: Seen = [];
  tf.tidy(() => {
    result = observe(built, specs, params);
  });
  return result;
}

function fingerprint({ key, kind, dtype, file, shape, init }: ParamSpec) {
  return [key, kind, dtype, file?.shape ?? shape, init.kind === 'values' ? [...init.values] : init];
}

/** Numbers that a tensor stands for, rounded so that another order of summation does not count. */
const numbers = (...tensors: tf.Tensor[]) =>
  tensors.map((tensor) => [tensor.shape, Array.from(tensor.dataSync(), (value) => Number(value.toFixed(4)))]);

/** What can be seen of a part of a model with fixed weights and inputs, in training where that matters (dropout). */
function observe(built: unknown, specs: ReadonlyMap<string, ParamSpec>, p: Params): Seen {
  const rng = Rng.of(7);
  const image = (size: number, channels: number) => randn<tf.Rank.R4>([1, size, size, channels], 1);
  const context = randn<tf.Rank.R3>([1, 3, 8], 2);
  const emb = randn<tf.Rank.R2>([1, 16], 3);
  const tokens = randn<tf.Rank.R3>([1, 5, 16], 4);
  if (built instanceof UNetModel) {
    const takesContext = [...specs.keys()].some((key) => key.includes('transformer_blocks'));
    const t = tf.tensor1d([3], 'int32');
    return numbers(built.forward(p, { x: image(8, 3), t, context: takesContext ? context : null, rng }));
  }
  if (built instanceof AutoencoderKL) {
    const options = { rng };
    return numbers(built.encodeMoments(p, image(8, 3), options), built.decode(p, image(4, 3), options));
  }
  if (built instanceof LPIPSWithDiscriminator) return observeLoss(built, p);
  if (built instanceof LatentDiffusion) return observeDiffusion(built, p, specs);
  if (built instanceof BERTEmbedder) {
    return numbers(built.forward(p, tf.tensor2d([[101, 5, 102]], [1, 3], 'int32'), { rng }));
  }
  if (built instanceof ResBlock) return numbers(built.forward(p, image(8, 32), emb, rng));
  if (built instanceof ResnetBlock) return numbers(built.forward(p, image(8, 32), emb, rng));
  if (built instanceof SpatialTransformer) return numbers(built.forward(p, image(4, 32), context, rng));
  if (built instanceof BasicTransformerBlock) return numbers(built.forward(p, tokens, context, rng));
  if (built instanceof GEGLU) return numbers(built.forward(p, tokens));
  if (built instanceof LayerNorm) return numbers(built.forward(p, randn([2, 8], 5)));
  if (built instanceof GroupNorm || built instanceof AttentionBlock) return numbers(built.forward(p, image(4, 32)));
  if (built instanceof Downsample || built instanceof Upsample) return numbers(built.forward(p, image(8, 32)));
  throw new Error('nothing is known of how to run this part');
}

function observeLoss(loss: LPIPSWithDiscriminator, p: Params): Seen {
  const images = tf.clipByValue(randn<tf.Rank.R4>([1, 32, 32, 3], 1), -1, 1);
  const features = randn<tf.Rank.R4>([1, 32, 32, 3], 2);
  const scope = Scope.root();
  const conv = new Conv2D(scope.at('last'), 3, 3, { kernel: 3, pad: 1 });
  const lastLayer: LastLayer = {
    weight: { key: 'last.weight' },
    forward: (q, x) => conv.forward(q, x),
  };
  const all = p.merge(weightsOf(scope.specs));
  const shared = { images, discFactor: loss.discFactorAt(20), train: true };
  const posterior = posteriorOf(randn([1, 4, 4, 6], 3));
  const generator = loss.generatorLoss(all, { ...shared, features, lastLayer, posterior });
  const critic = loss.discriminatorLoss(all, { ...shared, reconstructions: features });
  return [loss.discFactorAt(20), ...numbers(generator.loss, generator.logs.d_weight!, critic.loss)];
}

function observeDiffusion(model: LatentDiffusion, p: Params, specs: ReadonlyMap<string, ParamSpec>): Seen {
  const [x0, noise] = [randn<tf.Rank.R4>([1, 4, 4, 3], 1), randn<tf.Rank.R4>([1, 4, 4, 3], 2)];
  const t = tf.tensor1d([7], 'int32');
  const condition = randn(model.model.conditioning === 'concat' ? [1, 4, 4, 3] : [1, 2, 8], 3);
  const { loss, lossSimple, lossVlb } = model.losses(p, { x0, t, noise, condition });
  const trained = [...specs.keys()].filter((key) => model.isTrained(key));
  const noised = model.noisedCondition(condition, t, randn(condition.shape, 4));
  return [
    model.model.conditioning,
    trained,
    ...numbers(loss, lossSimple, lossVlb, noised, model.decodeFirstStage(p, x0)),
  ];
}

describe.each(SUBJECTS)('$target', ({ target, params, rows }) => {
  it('has a row for every argument', () => {
    const { schema } = ldmRegistry.targets.find(({ id }) => id === target)!;
    const wanted = Object.keys(schema.shape).map(snakeize);
    if (target === TARGETS.autoencoder)
      wanted.push(...Object.keys(DdConfig.shape).map((key) => `ddconfig.${snakeize(key)}`));
    expect([...new Set(rows.map(({ argument }) => argument))].sort()).toEqual(wanted.sort());
  });

  it.each(rows)('$argument: $effect ($change, given $given)', ({ argument, change, effect, given = [] }) => {
    const observes = effect === 'output' || effect === 'same';
    const before = outcomeOf(target, params, given, observes);
    const after = outcomeOf(target, params, [...given, ...change], observes);
    if (effect === 'refused') {
      expect(before).not.toHaveProperty('refused');
      expect(after).toEqual({ refused: [`params.${argument}`] });
      return;
    }
    if ('refused' in before || 'refused' in after) {
      // Arguments that do not go together: with the one value only.
      expect([effect, 'refused' in before]).not.toEqual([effect, 'refused' in after]);
      expect(effect).toBe('output');
      return;
    }
    expect(after.keys === before.keys ? 'same keys' : 'other keys').toBe(
      effect === 'keys' ? 'other keys' : 'same keys',
    );
    if (observes) expect(after.output === before.output ? 'same' : 'output').toBe(effect);
    if (effect === 'elsewhere') expect(after.config).not.toBe(before.config);
  });
});

it('leaves out only targets without arguments', () => {
  const covered = SUBJECTS.map(({ target }) => target);
  const others = ldmRegistry.targets.filter(({ id }) => !covered.includes(id));
  const schedules = ['ldm.lr_scheduler.LambdaWarmUpCosineScheduler2', 'ldm.lr_scheduler.LambdaLinearScheduler'];
  for (const { id, schema } of others)
    if (!schedules.includes(id)) expect([id, Object.keys(schema.shape)]).toEqual([id, []]);
});
