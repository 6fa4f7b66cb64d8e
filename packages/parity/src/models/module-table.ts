import {
  AttentionBlock,
  AttentionBlockConfig,
  AttnBlockConfig,
  BasicTransformerBlock,
  BasicTransformerBlockConfig,
  Downsample,
  DownsampleConfig,
  GEGLU,
  GegluConfig,
  GeluConfig,
  GroupNorm,
  GroupNormConfig,
  gelu,
  LayerNorm,
  LayerNormConfig,
  NLayerDiscriminator,
  NLayerDiscriminatorConfig,
  normalizeFeatures,
  type Params,
  ResBlock,
  ResBlockConfig,
  ResnetBlock,
  ResnetBlockConfig,
  type Scope,
  SpatialTransformer,
  SpatialTransformerConfig,
  Upsample,
  UpsampleConfig,
  VaeAttnBlock,
  VaeDownsample,
  VaeDownsampleConfig,
} from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { z } from 'zod';

/** How an argument or a result lies: `image` turns between NCHW and NHWC, `channels` moves axis 1 to the end, `plain` stays. */
export type Layout = 'image' | 'channels' | 'plain';

/** Whether the module runs as in training (batch statistics) or as in evaluation. */
export type ModuleMode = 'train' | 'eval';

/** A module or function of the kind `modules`, ready to run. */
export interface ModuleEntry {
  /** Layout of each argument, in order. */
  readonly args: readonly Layout[];
  readonly result: Layout;
  readonly run: (p: Params, args: readonly (tf.Tensor | null)[], mode: ModuleMode) => tf.Tensor;
  /** Probability of dropout among the module's arguments, which train mode would need draws for. */
  readonly dropout: number;
}

interface ModuleDefinition {
  readonly schema: z.ZodObject;
  readonly declare: (scope: Scope, config: unknown) => ModuleEntry;
}

type Run = ModuleEntry['run'];

function define<S extends z.ZodObject>(
  schema: S,
  args: readonly Layout[],
  result: Layout,
  declare: (scope: Scope, config: z.output<S>) => Run,
): ModuleDefinition {
  return {
    schema,
    declare: (scope, config) => {
      const typed = config as z.output<S>;
      const dropout = 'dropout' in typed && typeof typed.dropout === 'number' ? typed.dropout : 0;
      return { args, result, dropout, run: declare(scope, typed) };
    },
  };
}

type Image = tf.Tensor4D;
type Tokens = tf.Tensor3D;

/** One image in, one image out. */
const overImage =
  (layer: { forward(p: Params, x: Image): Image }): Run =>
  (p, [x]) =>
    layer.forward(p, x as Image);

const UNET = 'ldm.modules.diffusionmodules.openaimodel';
const VAE = 'ldm.modules.diffusionmodules.model';
const ATTENTION = 'ldm.modules.attention';

/** Every target of the kind `modules`. */
export const MODULES: ReadonlyMap<string, ModuleDefinition> = new Map([
  [
    `${UNET}.ResBlock`,
    define(ResBlockConfig, ['image', 'plain'], 'image', (scope, config) => {
      const layer = new ResBlock(scope, config);
      return (p, [x, emb]) => layer.forward(p, x as Image, emb as tf.Tensor2D);
    }),
  ],
  [
    `${UNET}.AttentionBlock`,
    define(AttentionBlockConfig, ['image'], 'image', (scope, config) => overImage(new AttentionBlock(scope, config))),
  ],
  [
    `${UNET}.Downsample`,
    define(DownsampleConfig, ['image'], 'image', (scope, config) => overImage(new Downsample(scope, config))),
  ],
  [
    `${UNET}.Upsample`,
    define(UpsampleConfig, ['image'], 'image', (scope, config) => overImage(new Upsample(scope, config))),
  ],
  [
    `${ATTENTION}.SpatialTransformer`,
    define(SpatialTransformerConfig, ['image', 'plain'], 'image', (scope, config) => {
      const layer = new SpatialTransformer(scope, config);
      return (p, [x, context]) => layer.forward(p, x as Image, context as Tokens | null);
    }),
  ],
  [
    `${ATTENTION}.BasicTransformerBlock`,
    define(BasicTransformerBlockConfig, ['plain', 'plain'], 'plain', (scope, config) => {
      const layer = new BasicTransformerBlock(scope, config);
      return (p, [x, context]) => layer.forward(p, x as Tokens, context as Tokens | null);
    }),
  ],
  [
    `${ATTENTION}.GEGLU`,
    define(GegluConfig, ['plain'], 'plain', (scope, { dimIn, dimOut }) => {
      const layer = new GEGLU(scope, dimIn, dimOut);
      return (p, [x]) => layer.forward(p, x as tf.Tensor);
    }),
  ],
  [
    `${VAE}.ResnetBlock`,
    define(ResnetBlockConfig, ['image', 'plain'], 'image', (scope, config) => {
      const layer = new ResnetBlock(scope, config);
      return (p, [x, temb]) => layer.forward(p, x as Image, temb as tf.Tensor2D | null);
    }),
  ],
  [
    `${VAE}.AttnBlock`,
    define(AttnBlockConfig, ['image'], 'image', (scope, config) => overImage(new VaeAttnBlock(scope, config))),
  ],
  [
    `${VAE}.Downsample`,
    define(VaeDownsampleConfig, ['image'], 'image', (scope, config) => overImage(new VaeDownsample(scope, config))),
  ],
  [
    'torch.nn.LayerNorm',
    define(LayerNormConfig, ['plain'], 'plain', (scope, { normalizedShape, eps }) => {
      const [width, ...more] = [normalizedShape].flat();
      if (more.length > 0)
        throw new Error(`normalized_shape [${normalizedShape}]: only the last axis is normalized here`);
      const layer = new LayerNorm(scope, width!, { epsilon: eps });
      return (p, [x]) => layer.forward(p, x as tf.Tensor);
    }),
  ],
  [
    'torch.nn.GroupNorm',
    define(GroupNormConfig, ['channels'], 'channels', (scope, { numGroups, numChannels, eps }) => {
      const layer = new GroupNorm(scope, numChannels, { groups: numGroups, epsilon: eps });
      return (p, [x]) => layer.forward(p, x as tf.Tensor);
    }),
  ],
  [
    'torch.nn.GELU',
    define(
      GeluConfig,
      ['plain'],
      'plain',
      () =>
        (_, [x]) =>
          gelu(x as tf.Tensor),
    ),
  ],
  [
    'taming.modules.discriminator.model.NLayerDiscriminator',
    define(NLayerDiscriminatorConfig, ['image'], 'image', (scope, config) => {
      const layer = new NLayerDiscriminator(scope, config);
      return (p, [x], mode) =>
        mode === 'train' ? layer.forwardTrain(p, x as Image).logits : layer.forward(p, x as Image);
    }),
  ],
]);

/** Every function of the kind `modules`. */
export const FUNCTIONS: ReadonlyMap<string, ModuleEntry> = new Map([
  [
    'taming.modules.losses.lpips.normalize_tensor',
    { args: ['image'], result: 'image', dropout: 0, run: (_, [x]) => normalizeFeatures(x as Image) },
  ],
]);
