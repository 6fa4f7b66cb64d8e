import { compile } from '@codiff/engine';
import { inParts, type Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { OpenModel } from './open-model.js';
import type { Request } from './request.js';

/**
 * The first stage's decoder, compiled: weights and latents [B,h,w,c] to images [B,H,W,3].
 * @param parts of a batch that are decoded side by side; the engine's branches
 */
export const compiledDecoder = (
  model: Pick<OpenModel['model'], 'decodeFirstStage'>,
  precision: Request['precision'],
  parts: number,
) =>
  compile((weights: Params, z: tf.Tensor4D) => inParts(parts, z, (part) => model.decodeFirstStage(weights, part)), {
    name: 'decode',
    precision,
  });
