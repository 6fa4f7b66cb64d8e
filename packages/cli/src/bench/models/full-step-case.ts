import { compile } from '@codiff/engine';
import { BERTEmbedder } from '@codiff/ldm-core';
import { latentDiffusionTraining, type TrainState } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from '../case.js';
import { autoencoderOf, type BenchModel, diffusionOf, weightsOf } from './bench-model.js';
import { TOKENS } from './forward-cases.js';
import { formulaImage, tokenIds } from './inputs.js';

const LEARNING_RATE = 1e-6;

/** Numbers of a mask map: 32 x 32 pixels. */
const MAP = 1024;

/** The whole configured training step: first stage, condition encoder (trained along if the config says so), UNet, AdamW. */
export function fullStepCase(bench: BenchModel, spec: BenchSpec): BenchCase {
  const { batch, precision, name, mode } = spec;
  const model = diffusionOf(bench);
  const { vae } = autoencoderOf(bench);
  const { resolution, inChannels } = vae.shape.ddconfig;
  const training = latentDiffusionTraining(model, bench.specs, { lr: LEARNING_RATE });
  const { frozen, state: start } = training.divide(weightsOf(bench, () => true));
  const input =
    model.condStage instanceof BERTEmbedder
      ? tokenIds(batch, model.condStage.config.maxSeqLen)
      : tf.tidy(() => tf.oneHot(tf.zeros([batch, MAP], 'int32'), TOKENS.seg_mask).transpose([0, 2, 1]));
  const tensors = {
    [model.config.firstStageKey]: tf.tidy(() =>
      tf.clipByValue(formulaImage('image', [batch, resolution, resolution, inChannels]), -1, 1),
    ),
    [model.config.condStageKey]: input,
  };
  const step = compile(training.step, { name, precision, xla: mode === 'xla', state: 0 });
  const control = { globalStep: tf.scalar(0, 'int32'), lrScale: tf.scalar(1), update: true };
  let state: TrainState = start;
  let runs = 0;
  let last = Number.NaN;
  return {
    flops: null,
    probe: () => [last],
    run: async (called) => {
      const seed = tf.tensor1d([1, runs++], 'int32');
      const [next, logs] = step(state, frozen, tensors, { ...control, seed });
      state = next;
      called();
      last = (await logs['train/loss_simple']!.data())[0]!;
      tf.dispose([seed, ...Object.values(logs)]);
    },
  };
}
