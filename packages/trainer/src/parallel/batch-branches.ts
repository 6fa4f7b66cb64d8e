import { codiffRegistry, LatentDiffusionCompose } from '@codiff/codiff';
import {
  AutoencoderKL,
  buildModel,
  equalParts,
  LatentDiffusion,
  LPIPSWithDiscriminator,
  type ResolvedConfig,
  roles,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { dataModuleOf } from '../data/data-module.js';

/** Each branch has gradients of its own until they are added up: no more than so many bytes of them. */
const MOST_GRADIENTS = 2 ** 30;

/**
 * Into how many parts the batches of a training are divided, which a processor computes side by side: small models leave a second
 * thread little to do inside an operation, and all of a second part.
 * @param config checked @param threads there are
 * @returns a divisor of the batch size; 1 where a batch counts as a whole: autoencoders with a discriminator, and collaborative models
 * with a schedule of influence, which goes by the batch's first timestep
 */
export function batchBranches(config: ResolvedConfig, threads: number): number {
  const { model, specs } = buildModel(config, roles.model, codiffRegistry);
  const isTrained = trainedKeys(model);
  if (isTrained === null) return 1;
  const trained = [...specs].filter(([key, { kind }]) => kind === 'parameter' && isTrained(key));
  const bytes = trained.reduce((sum, [, { shape }]) => sum + 4 * tf.util.sizeFromShape([...shape]), 0);
  return equalParts(dataModuleOf(config.data ?? {}).batchSize, Math.min(threads, Math.floor(MOST_GRADIENTS / bytes)));
}

/** What is trained of a model whose batches can be divided; null: they cannot. */
function trainedKeys(model: unknown): ((key: string) => boolean) | null {
  if (model instanceof LatentDiffusionCompose && model.unet.readsFirstTimestep) return null;
  if (model instanceof LatentDiffusion || model instanceof LatentDiffusionCompose) return (key) => model.isTrained(key);
  if (!(model instanceof AutoencoderKL && model.loss instanceof LPIPSWithDiscriminator)) return null;
  return model.loss.usesDiscriminator ? null : (key) => !key.startsWith('loss.');
}
