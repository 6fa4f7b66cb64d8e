import {
  AttentionBlock,
  BasicTransformerBlock,
  Downsample,
  GEGLU,
  GroupNorm,
  gelu,
  LayerNorm,
  NLayerDiscriminator,
  normalizeFeatures,
  type Params,
  ResBlock,
  ResnetBlock,
  roles,
  type Scope,
  SpatialTransformer,
  TARGETS,
  Upsample,
  VaeAttnBlock,
  VaeDownsample,
} from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { buildInto } from './build.js';

/** How a tensor lies: `image` turns between NCHW and NHWC, `channels` moves axis 1 to the end, `plain` stays. */
export type Layout = 'image' | 'channels' | 'plain';

/** Whether the module runs as in training (batch statistics) or as in evaluation. */
export type ModuleMode = 'train' | 'eval';

type Run = (p: Params, args: readonly (tf.Tensor | null)[], mode: ModuleMode) => tf.Tensor;

/** A module or function of the kind `modules`, ready to run. */
export interface ModuleEntry {
  /** Layout of each argument, in order. */
  readonly args: readonly Layout[];
  readonly result: Layout;
  readonly run: Run;
}

/** How to call a built layer. */
interface Caller {
  readonly args: readonly Layout[];
  readonly result: Layout;
  /** Nothing if the layer is not of the class that the target stands for. */
  readonly bind: (layer: unknown) => Run | undefined;
}

type Class<T> = abstract new (...args: never[]) => T;

function call<T>(layerClass: Class<T>, args: readonly Layout[], result: Layout, run: (layer: T) => Run): Caller {
  return { args, result, bind: (layer) => (layer instanceof layerClass ? run(layer) : undefined) };
}

type Image = tf.Tensor4D;
type Tokens = tf.Tensor3D;

/** One image in, one image out. */
function overImage<T extends { forward(p: Params, x: Image): Image }>(layerClass: Class<T>): Caller {
  return call(
    layerClass,
    ['image'],
    'image',
    (layer) =>
      (p, [x]) =>
        layer.forward(p, x as Image),
  );
}

const CALLERS: Readonly<Record<string, Caller>> = {
  [TARGETS.resBlock]: call(
    ResBlock,
    ['image', 'plain'],
    'image',
    (layer) =>
      (p, [x, emb]) =>
        layer.forward(p, x as Image, emb as tf.Tensor2D),
  ),
  [TARGETS.attentionBlock]: overImage(AttentionBlock),
  [TARGETS.downsample]: overImage(Downsample),
  [TARGETS.upsample]: overImage(Upsample),
  [TARGETS.spatialTransformer]: call(
    SpatialTransformer,
    ['image', 'plain'],
    'image',
    (layer) =>
      (p, [x, context]) =>
        layer.forward(p, x as Image, context as Tokens | null),
  ),
  [TARGETS.basicTransformerBlock]: call(
    BasicTransformerBlock,
    ['plain', 'plain'],
    'plain',
    (layer) =>
      (p, [x, context]) =>
        layer.forward(p, x as Tokens, context as Tokens | null),
  ),
  [TARGETS.geglu]: call(
    GEGLU,
    ['plain'],
    'plain',
    (layer) =>
      (p, [x]) =>
        layer.forward(p, x as tf.Tensor),
  ),
  [TARGETS.vaeResnetBlock]: call(
    ResnetBlock,
    ['image', 'plain'],
    'image',
    (layer) =>
      (p, [x, temb]) =>
        layer.forward(p, x as Image, temb as tf.Tensor2D | null),
  ),
  [TARGETS.vaeAttnBlock]: overImage(VaeAttnBlock),
  [TARGETS.vaeDownsample]: overImage(VaeDownsample),
  [TARGETS.layerNorm]: call(
    LayerNorm,
    ['plain'],
    'plain',
    (layer) =>
      (p, [x]) =>
        layer.forward(p, x as tf.Tensor),
  ),
  [TARGETS.groupNorm]: call(
    GroupNorm,
    ['channels'],
    'channels',
    (layer) =>
      (p, [x]) =>
        layer.forward(p, x as tf.Tensor),
  ),
  [TARGETS.gelu]: {
    args: ['plain'],
    result: 'plain',
    bind: (layer) => (layer === gelu ? (_, [x]) => gelu(x as tf.Tensor) : undefined),
  },
  [TARGETS.discriminator]: call(
    NLayerDiscriminator,
    ['image'],
    'image',
    (layer) =>
      (p, [x], mode) =>
        mode === 'train' ? layer.forwardTrain(p, x as Image).logits : layer.forward(p, x as Image),
  ),
};

/** Build a module of the kind `modules`. @throws Error naming an unknown target, ConfigError for its arguments */
export function buildModule(target: string, params: Readonly<Record<string, unknown>>, scope: Scope): ModuleEntry {
  const caller = Object.hasOwn(CALLERS, target) ? CALLERS[target] : undefined;
  if (caller === undefined) throw new Error(`unknown target '${target}'; known: ${Object.keys(CALLERS).join(', ')}`);
  const run = caller.bind(buildInto({ target, params, files: {} }, roles.block, scope));
  if (run === undefined) throw new Error(`target '${target}' builds another class than it is called as`);
  return { args: caller.args, result: caller.result, run };
}

/** Every function of the kind `modules`. */
export const FUNCTIONS: ReadonlyMap<string, ModuleEntry> = new Map([
  [
    'taming.modules.losses.lpips.normalize_tensor',
    { args: ['image'], result: 'image', run: (_, [x]) => normalizeFeatures(x as Image) },
  ],
]);
