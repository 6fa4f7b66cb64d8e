import { compile } from '@codiff/engine';
import type { Params } from '@codiff/ldm-core';
import { loadConfig, loadParamsFile } from '@codiff/ldm-core/node';
import {
  type BatchSource,
  type BuiltTraining,
  buildTraining,
  captionTokenizer,
  checkTrainingConfig,
  dataModuleOf,
  FaceLoader,
  faceSource,
  startWeights,
  trainerRegistry,
  validate,
} from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { Stage } from './stages.js';

/** Of the noise and the timesteps that every measurement shares. */
const SEED = 77;
/** That of the trainings, so that the weights at their start are drawn again. */
const TRAINING_SEED = 23;
/** What a stage is judged by. */
const LOSS = { vae: 'val/rec_loss', text: 'val/loss_simple', mask: 'val/loss_simple' } as const;

/** The model of a stage and its held-out faces. */
export interface HeldOut {
  readonly built: BuiltTraining;
  readonly source: BatchSource;
  close(): Promise<void>;
}

/** Open them. @param overrides of the config @param batchSize null: the config's */
export async function openHeldOut(
  { config: file }: Stage,
  overrides: readonly string[],
  batchSize: number | null = null,
): Promise<HeldOut> {
  const config = await loadConfig(file, { registry: trainerRegistry, check: checkTrainingConfig, overrides });
  const built = buildTraining(config, 0, {});
  const data = dataModuleOf(config.data ?? {});
  if (data.validation === undefined) throw new Error(`demo: ${file} names no validation data`);
  const loader = new FaceLoader({
    dataset: data.validation,
    batchSize: batchSize ?? data.batchSize,
    seed: SEED,
    shuffle: false,
    strict: true,
  });
  const source = faceSource(loader, await captionTokenizer(built.captionLength));
  return { built, source, close: () => loader.close() };
}

/** The weights that a stage's training ended with. The caller owns them. */
export async function trainedWeights({ checkpoint }: Stage, { built: { specs } }: HeldOut): Promise<Params> {
  return (await loadParamsFile(checkpoint, specs)).params;
}

/** A stage's loss on the held-out faces, as initialised and as trained: the same faces, timesteps and noise. */
export async function heldOutLoss(stage: Stage & { readonly name: keyof typeof LOSS }, overrides: readonly string[]) {
  const heldOut = await openHeldOut(stage, overrides);
  const { built, source } = heldOut;
  try {
    const evaluate = compile(built.training.evaluate, { name: 'held-out loss' });
    const name = LOSS[stage.name];
    const lossOf = async (weights: Params): Promise<number> => {
      const divided = built.training.divide(weights);
      const values = await validate({ source, evaluate, divided, seed: SEED, globalStep: 0 });
      tf.dispose([...built.training.weights(divided).values()]);
      return values[name]!;
    };
    const trained = await trainedWeights(stage, heldOut);
    const initial = await startWeights(built.specs, built.startingPoints, { seed: TRAINING_SEED, root: '.' });
    // What the first batch decided is not learned: both get the same.
    const scale = trained.get('scale_factor');
    if (scale) {
      initial.get('scale_factor')?.dispose();
      initial.set('scale_factor', tf.clone(scale));
    }
    const atEnd = await lossOf(trained);
    const atStart = await lossOf(initial);
    return { name, atStart, atEnd };
  } finally {
    await heldOut.close();
  }
}
