/**
 * What the models run, forwards, backwards and in their updates, and what the networks that judge images run, is in the tables
 * that compare trace with eager.
 */
import { codiffRegistry, composeRoles } from '@codiff/codiff';
import {
  AutoencoderConfig,
  BiSeNet,
  Clip,
  InceptionV3,
  initParams,
  Params,
  parseConfig,
  Rng,
  roles,
  Scope,
} from '@codiff/ldm-core';
import {
  composeTraining,
  type GanAutoencoder,
  latentDiffusionTraining,
  type Training,
  vaeTraining,
} from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { waves } from './support/kernel.js';
import { testWithoutLeaks } from './support/leak-free.js';
import { MODEL_KERNELS } from './support/model-kernels.js';
import { OPS } from './support/ops/index.js';
import { upload } from './support/plain-tensor.js';

testWithoutLeaks();

/** The kernels that `run` calls, those that kernels call themselves included. */
function kernelsOf(run: () => void): Set<string> {
  const seen = new Set<string>();
  const own = tf.getKernelsForBackend('tensorflow');
  const replace = (kernels: readonly tf.KernelConfig[]) => {
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, kernel.backendName);
      tf.registerKernel(kernel);
    }
  };
  replace(
    own.map((kernel) => ({
      ...kernel,
      kernelFunc: (args) => {
        seen.add(kernel.kernelName);
        return kernel.kernelFunc(args);
      },
    })),
  );
  try {
    run();
  } finally {
    replace(own);
  }
  return seen;
}

const CONTEXT_DIM = 8;
const ddconfig = {
  double_z: true,
  z_channels: 3,
  resolution: 8,
  in_channels: 3,
  out_ch: 3,
  ch: 32,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  attn_resolutions: [8],
};
const autoencoder = (lossconfig: object) => ({
  target: 'ldm.models.autoencoder.AutoencoderKL',
  params: { embed_dim: 3, lossconfig, ddconfig },
});
const unet = (outChannels: number) => ({
  target: 'ldm.modules.diffusionmodules.openaimodel.UNetModel',
  params: {
    image_size: 4,
    in_channels: 3,
    out_channels: outChannels,
    model_channels: 32,
    attention_resolutions: [1, 2],
    num_res_blocks: 1,
    channel_mult: [1, 2],
    num_heads: 2,
    use_spatial_transformer: true,
    use_checkpoint: true,
    context_dim: CONTEXT_DIM,
    legacy: false,
  },
});
const ENCODERS = {
  caption: {
    target: 'ldm.modules.encoders.modules.BERTEmbedder',
    params: { n_embed: CONTEXT_DIM, n_layer: 1, vocab_size: 20, max_seq_len: 5, use_tokenizer: false },
  },
  seg_mask: {
    target: 'ldm.modules.encoders.modules.SegMaskEncoder',
    params: {
      seg_mask_encoder_config: { target: 'ldm.modules.encoders.modules.PassSegMaskEncoder' },
      mask_embed_dim: 16,
      context_dim: CONTEXT_DIM,
    },
  },
};

const DIFFUSION = {
  timesteps: 1000,
  linear_start: 0.0015,
  linear_end: 0.0195,
  conditioning_key: 'crossattn',
  cond_stage_trainable: true,
};
const diffusion = (kind: 'caption' | 'seg_mask') => ({
  target: 'ldm.models.diffusion.ddpm.LatentDiffusion',
  params: {
    ...DIFFUSION,
    cond_stage_key: kind,
    unet_config: unet(3),
    first_stage_config: autoencoder({ target: 'torch.nn.Identity' }),
    cond_stage_config: ENCODERS[kind],
  },
});
const COLLABORATIVE = {
  target: 'ldm.models.diffusion.ddpm_compose.LatentDiffusionCompose',
  params: {
    ...DIFFUSION,
    seg_mask_ldm_config_path: 'mask.yaml',
    text_ldm_config_path: 'text.yaml',
    compose_unet_config: {
      target: 'ldm.models.diffusion.compose_modules.ComposeUNet',
      params: { confidence_input: 'x_t', confidence_map_predictor_config: unet(1) },
    },
    compose_cond_stage_config: { target: 'ldm.models.diffusion.compose_modules.ComposeCondStageModel', params: {} },
  },
};
const BRANCHES = { 'mask.yaml': { model: diffusion('seg_mask') }, 'text.yaml': { model: diffusion('caption') } };

/** Diffusion models of captions or masks, the dynamic diffusers of both, an autoencoder with LPIPS and its discriminator. */
const TRAININGS = ['caption', 'seg_mask', 'collaborative', 'autoencoder'] as const;
type Kind = (typeof TRAININGS)[number];

function trainingOf(kind: Kind): { training: Training; scope: Scope } {
  const scope = Scope.root();
  if (kind === 'autoencoder') {
    const params = { disc_start: 0, disc_num_layers: 1 };
    const config = autoencoder({ target: 'ldm.modules.losses.LPIPSWithDiscriminator', params });
    const model = codiffRegistry.build(config, roles.firstStage, scope, { files: {} }) as GanAutoencoder;
    return { scope, training: vaeTraining(model, scope.specs, parseConfig(AutoencoderConfig, config), { lr: 1e-3 }) };
  }
  if (kind === 'collaborative') {
    const model = codiffRegistry.build(COLLABORATIVE, composeRoles.collaborative, scope, { files: BRANCHES });
    return { scope, training: composeTraining(model, scope.specs, { lr: 1e-3 }) };
  }
  const model = codiffRegistry.build(diffusion(kind), roles.latentDiffusion, scope, { files: {} });
  return { scope, training: latentDiffusionTraining(model, scope.specs, { lr: 1e-3 }) };
}

/** One step of training: every network forwards and backwards, the loss, the optimizers, the averages. */
function trainOnce(kind: Kind): void {
  const { training, scope } = trainingOf(kind);
  const { state, frozen } = training.divide(initParams(scope.specs, 3));
  const classes = Rng.of(5).integers<tf.Rank.R2>([2, 16], 0, 19);
  // LPIPS halves an image four times.
  const side = kind === 'autoencoder' ? 16 : 8;
  const captions = Rng.of(6).integers([2, 5], 0, 20);
  const batch = {
    image: tf.clipByValue(waves([2, side, side, 3]), -1, 1),
    caption: captions,
    text: captions,
    seg_mask: tf.cast(tf.transpose(tf.oneHot(classes, 19), [0, 2, 1]), 'int32'),
  };
  const control = {
    seed: Rng.of(1).toTensor(),
    globalStep: tf.scalar(0, 'int32'),
    lrScale: tf.scalar(1),
    update: true,
  };
  training.step(state, frozen, batch, control);
}

/** Judge images by each network of an evaluation. Which kernels run does not depend on the weights. */
function judgeOnce(): void {
  const weightsOf = ({ specs }: Scope): Params =>
    new Params([...specs].map(([key, { shape, dtype }]) => [key, tf.ones([...shape], dtype)]));
  const image = tf.clipByValue(waves([1, 32, 32, 3]), -1, 1) as tf.Tensor4D;
  const judge = <T>(Network: new (scope: Scope) => T, run: (network: T, p: Params) => tf.Tensor): void => {
    const scope = Scope.root();
    const network = new Network(scope);
    tf.tidy(() => run(network, weightsOf(scope)));
  };
  judge(InceptionV3, (network, p) => network.features(p, image));
  judge(BiSeNet, (network, p) => network.parse(p, image));
  const tower = { width: 16, layers: 1, heads: 2, inner: 32 };
  const scope = Scope.root();
  const clip = new Clip(scope, {
    text: { ...tower, vocabulary: 64, length: 8 },
    image: { ...tower, side: 32, patch: 8 },
    width: 16,
    endToken: 63,
  });
  const p = weightsOf(scope);
  clip.imageVectors(p, image);
  clip.textVectors(p, tf.tensor2d([[1, 2, 63, 63]], [1, 4], 'int32'));
}

/** Compiled against eager in the tests beside them: they take seeds, or change what they are given. */
const ELSEWHERE = ['AdamUpdate', 'EmaUpdate', 'StatelessRandomNormal', 'StatelessRandomUniformInt'];

it('every kernel of the models has a case', () => {
  const needed = kernelsOf(() => {
    for (const kind of TRAININGS) trainOnce(kind);
    judgeOnce();
  });
  expect(needed.size).toBeGreaterThan(40);
  // Of LPIPS' gradient, and of the networks that judge: they did run.
  expect([...needed]).toEqual(expect.arrayContaining(['MaxPoolGrad', 'AvgPool', 'ArgMax', 'ResizeBilinear']));
  const covered = kernelsOf(() => {
    for (const { input, run, refused } of OPS) {
      if (refused !== undefined) continue;
      for (const { tensors, attrs } of fc.sample(input, { numRuns: 4, seed: 77 })) run(tensors.map(upload), attrs);
    }
    for (const [, shapes, fn] of MODEL_KERNELS) {
      const inputs = shapes.map((shape, i) => waves([...shape], i));
      tf.grads((...xs: tf.Tensor[]) => tf.sum(fn(...xs)))(inputs);
    }
  });
  const missing = [...needed].filter((name) => !covered.has(name)).sort();
  expect(missing).toEqual(ELSEWHERE);
});
