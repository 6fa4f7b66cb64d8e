import {
  type AutoencoderKL,
  type BERTEmbedder,
  type ParamSpec,
  type Params,
  TARGETS,
  type UNetModel,
} from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { CaseModel } from '../cases/case-folder.js';
import { buildBert, buildFirstStage, buildUnet } from './build.js';

/** How an argument goes in: an image (NCHW to NHWC), time steps, ids, or a tensor of one layout. */
export type ArgumentForm = 'image' | 'steps' | 'ids' | 'plain';

/** One method of a module of the kind `fullsize`. */
export interface FullsizeMethod {
  /** The arguments by name, in the order of `run`. */
  readonly arguments: Readonly<Record<string, ArgumentForm>>;
  readonly run: (p: Params, args: readonly tf.Tensor[]) => tf.Tensor;
}

/** A module of the kind `fullsize`. */
export interface FullsizeModule {
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly methods: Readonly<Record<string, FullsizeMethod>>;
}

const unetMethods = (unet: UNetModel): FullsizeModule['methods'] => ({
  forward: {
    arguments: { x: 'image', timesteps: 'steps', context: 'plain' },
    run: (p, [x, t, context]) =>
      unet.forward(p, { x: x as tf.Tensor4D, t: t as tf.Tensor1D, context: context as tf.Tensor3D }),
  },
});

const vaeMethods = (vae: AutoencoderKL<unknown>): FullsizeModule['methods'] => ({
  decode: { arguments: { z: 'image' }, run: (p, [z]) => vae.decode(p, z as tf.Tensor4D) },
  encode_moments: { arguments: { x: 'image' }, run: (p, [x]) => vae.encodeMoments(p, x as tf.Tensor4D) },
});

const bertMethods = (bert: BERTEmbedder): FullsizeModule['methods'] => ({
  forward: { arguments: { text: 'ids' }, run: (p, [ids]) => bert.forward(p, ids as tf.Tensor2D) },
});

/** Build a module of the kind `fullsize`: its structure only. @throws Error naming a target that is not of the list */
export function buildFullsizeModule(model: CaseModel): FullsizeModule {
  switch (model.target) {
    case TARGETS.unet: {
      const { model: unet, specs } = buildUnet(model);
      return { specs, methods: unetMethods(unet) };
    }
    case TARGETS.autoencoder: {
      const { model: vae, specs } = buildFirstStage(model);
      return { specs, methods: vaeMethods(vae) };
    }
    case TARGETS.bert: {
      const { model: bert, specs } = buildBert(model);
      return { specs, methods: bertMethods(bert) };
    }
    default:
      throw new Error(
        `unknown target '${model.target}'; known: ${TARGETS.unet}, ${TARGETS.autoencoder}, ${TARGETS.bert}`,
      );
  }
}
