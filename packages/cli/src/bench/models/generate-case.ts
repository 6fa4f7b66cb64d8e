import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageBytes, readImages } from '@codiff/codiff';
import * as tf from '@tensorflow/tfjs-core';
import { recordBatch } from '../../generate/batch-record.js';
import { collaborativeModels } from '../../generate/collaborative-model.js';
import { encodeRgb } from '../../generate/png/rgb.js';
import { sampleBatch } from '../../generate/sample-batch.js';
import { TextReader } from '../../generate/text-reader.js';
import type { BenchCase, BenchSpec } from '../case.js';
import { type BenchModel, composeOf, weightsOf } from './bench-model.js';
import { TOKENS } from './forward-cases.js';
import type { ModelSettings } from './settings.js';

/** Any text takes the same time. */
const PROMPT = 'This woman in her forties has no beard.';

const NO_EXTRAS = { mixed: false, z: false, steps: false, influence: false } as const;

/** Images from a mask and a text, end to end: encoders, DDIM of eta 1, decoder, PNG files. The first run takes one step. */
export async function generateCase(
  bench: BenchModel,
  { batch, precision }: BenchSpec,
  settings: ModelSettings,
): Promise<BenchCase> {
  const model = composeOf(bench);
  const { imageSize: side, channels } = model.config;
  const p = weightsOf(bench, () => true, '', precision);
  const masks = tf.tidy(() => tf.oneHot(tf.zeros([1, 1024], 'int32'), TOKENS.seg_mask).transpose([0, 2, 1]));
  const inputs = { seg_mask: masks, text: (await TextReader.of(model)).ids(PROMPT) };
  const folder = mkdtempSync(join(tmpdir(), 'codiff-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const models = collaborativeModels(model, precision);
  let steps = 1;
  return {
    flops: null,
    run: async (called) => {
      const sampling = models.of(p, { cond: inputs, scale: 1 });
      const record = recordBatch(NO_EXTRAS);
      called();
      const { z, images } = await sampleBatch(sampling, {
        range: { first: 0, size: batch },
        seed: 1,
        sampler: { name: 'ddim', steps, eta: 1 },
        latent: [side, side, channels],
        record,
        signal: new AbortController().signal,
        onStep: () => {},
      });
      for (const [i, image] of imageBytes(await readImages(images)).entries())
        writeFileSync(join(folder, `${i}.png`), encodeRgb(image));
      tf.dispose([z, images]);
      record.dispose();
      sampling.dispose();
      steps = settings.steps;
    },
  };
}
