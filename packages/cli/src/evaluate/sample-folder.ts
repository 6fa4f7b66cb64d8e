import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageBytes, readImages } from '@codiff/codiff';
import { atomicWrite, atomicWriteText, hashFile } from '@codiff/ldm-core/node';
import { type HeldOutFace, readOneHot } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { recordBatch } from '../generate/batch-record.js';
import { encodeRgb } from '../generate/png/rgb.js';
import { Progress } from '../generate/progress.js';
import type { Request } from '../generate/request.js';
import { sampleBatch } from '../generate/sample-batch.js';
import type { SamplerSettings } from '../generate/sampler-settings.js';
import type { ConditionInputs } from '../generate/sampling-model.js';
import { InputError } from '../input-error.js';
import type { PlannedImage } from './sample-plan.js';
import { type EvaluatedModel, samplingModels } from './sampled-model.js';

/** What decides the images of a folder besides their conditions. */
const RECORD = 'evaluation.json';

/** How images are made. */
export interface SampleFolderOptions {
  readonly folder: string;
  readonly checkpoint: string;
  readonly plan: readonly PlannedImage[];
  readonly batchSize: number;
  readonly sampler: SamplerSettings;
  readonly seed: number;
  readonly precision: Request['precision'];
  /** Of the engine: parts of a batch, or models, that are computed side by side. */
  readonly branches: number;
  readonly quiet: boolean;
  readonly signal: AbortSignal;
}

/**
 * Make the images of a plan in a folder. Those that an earlier run of the same model, sampler, seed and conditions has left are
 * kept, so a run that was stopped goes on.
 * @throws InputError for a folder that holds something else; the signal's reason once it is aborted, at the next step
 */
export async function sampleFolder(evaluated: EvaluatedModel, options: SampleFolderOptions): Promise<void> {
  const { folder, plan, batchSize, sampler, seed, precision, branches, quiet, signal } = options;
  await claim(evaluated, options);
  const missing = plan.filter(({ name }) => !existsSync(join(folder, name)));
  if (missing.length === 0) return;
  const batches = batchesOf(missing, batchSize);
  const progress = new Progress(sampler.taken * batches.length, process.stderr, quiet);
  progress.status('loading the model');
  const weights = await evaluated.open.weights.load();
  const models = samplingModels(evaluated, precision, branches);
  try {
    for (const batch of batches) {
      signal.throwIfAborted();
      const cond = await conditionsOf(evaluated, batch);
      const model = models.of(weights, { cond, scale: 1 });
      const record = recordBatch({ z: false, steps: false, influence: false, mixed: false });
      try {
        const { z, images } = await sampleBatch(model, {
          range: { first: batch[0]!.index, size: batch.length },
          seed,
          sampler: sampler.config,
          latent: evaluated.open.latent,
          record,
          signal,
          onStep: () => progress.step(),
        });
        const bytes = imageBytes(await readImages(images));
        tf.dispose([z, images]);
        for (const [i, image] of bytes.entries()) {
          await atomicWrite(join(folder, batch[i]!.name), (sink) => sink.write(encodeRgb(image)));
        }
      } finally {
        record.dispose();
        model.dispose();
        tf.dispose(Object.values(cond));
      }
    }
  } finally {
    progress.clear();
    models.dispose();
    weights.dispose();
  }
}

/** Images in batches whose numbers follow each other, since noise is drawn by them. */
export function batchesOf(images: readonly PlannedImage[], size: number): PlannedImage[][] {
  const batches: PlannedImage[][] = [];
  for (const image of images) {
    const last = batches.at(-1);
    if (last && last.length < size && last.at(-1)!.index + 1 === image.index) last.push(image);
    else batches.push([image]);
  }
  return batches;
}

/** The conditions of a batch as the encoders take them. The caller owns them. */
async function conditionsOf({ reads }: EvaluatedModel, batch: readonly PlannedImage[]): Promise<ConditionInputs> {
  const masks = reads.mask ? await Promise.all(batch.map(({ face }) => readOneHot(conditionOf(face)))) : undefined;
  return {
    ...(masks
      ? { seg_mask: tf.tidy(() => tf.stack(masks.map((mask) => tf.tensor2d(Float32Array.from(mask), [19, 1024])))) }
      : {}),
    ...(reads.text
      ? {
          text: tf.tidy(() =>
            tf.concat(
              batch.map(({ face }) => reads.text!.ids(face.caption)),
              0,
            ),
          ),
        }
      : {}),
  };
}

function conditionOf({ condition, image }: HeldOutFace): string {
  if (condition !== undefined) return condition;
  throw new InputError(`${image} has no mask in its data set, and the model reads one; wanted a set with masks`);
}

/** See that the folder is ours: empty, or of the same run. */
async function claim(
  { open, command }: EvaluatedModel,
  { folder, checkpoint, plan, sampler, seed, precision }: SampleFolderOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const conditions = createHash('sha256');
  for (const { face } of new Map(plan.map((image) => [image.condition, image])).values()) {
    conditions.update(`${face.stem}\n${face.caption}\n`);
  }
  const record = {
    command,
    config: open.configHash,
    checkpoint: await hashFile(checkpoint),
    sampler: sampler.config,
    seed,
    precision,
    conditions: conditions.digest('hex'),
  };
  const text = `${JSON.stringify(record, null, 1)}\n`;
  const path = join(folder, RECORD);
  const held = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  if (held.length === 0) return atomicWriteText(path, text);
  const before = held.includes(RECORD) ? await readFile(path, 'utf8') : undefined;
  if (before === text) return;
  throw new InputError(
    before === undefined
      ? `${folder} holds ${held[0]}, which no evaluation has written; name another folder with --save_folder`
      : `${folder} holds images of another model, sampler, seed or other conditions (${RECORD} tells which); name another folder with --save_folder, or remove it`,
  );
}
