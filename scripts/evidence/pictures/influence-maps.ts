import { type ComposeOptions, confidenceMix, mixDenoiser, recordMixes, type SheetCell } from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { type Params, sampleDdim, tensorsOf } from '@codiff/ldm-core';
import { readOneHot } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { Session } from '../session.js';
import { startNoise } from '../start-noise.js';
import { cell } from './cells.js';
import { greyImage } from './made-images.js';

/** Maps that are shown of a run. */
const SHOWN = 8;

/** Steps evenly over a run, the first and the last among them. */
export const shownSteps = (total: number): number[] => [
  ...new Set(Array.from({ length: SHOWN }, (_, i) => Math.round((i * (total - 1)) / (SHOWN - 1)))),
];

/** Influence of both modalities on the way to the first pair's image, of either mix. White: that modality decides alone. */
export async function influenceRows({
  opened,
  pairs,
  sampling,
  signal,
}: Pick<Session, 'opened' | 'pairs' | 'sampling' | 'signal'>): Promise<SheetCell[][]> {
  const { model, params, tokenizer, latent } = opened;
  const { index, face } = pairs.test[0]!;
  const inputs = {
    text: tokenizer.encode([face.caption]),
    seg_mask: tf.tensor3d(Float32Array.from(await readOneHot(face.condition!)), [1, 19, 1024]),
  };
  const contexts = tf.tidy(() => model.contextKeys(params, model.encodeConditions(params, inputs)));
  const step = compile(
    (p: Params, x: tf.Tensor4D, t: tf.Tensor1D, keys: typeof contexts, options: ComposeOptions) =>
      model.mix(p, { x, t, contexts: keys }, options),
    { name: 'mix' },
  );
  const mixes = [
    ['', { ...model.unet.options, ruled: false }],
    ['generate: ', confidenceMix(model).mix],
  ] as const;
  const rows: SheetCell[][] = [];
  try {
    for (const [name, options] of mixes) {
      const noise = startNoise(sampling.seed, [{ pair: index, sample: 0 }], latent);
      const start = noise.start();
      const recorder = recordMixes();
      const timesteps: number[] = [];
      const denoise = mixDenoiser((x, t) => step(params, x, t, contexts, options), {
        onMix: (event) => {
          timesteps.push(event.t);
          recorder.onMix(event);
        },
      });
      const z = await sampleDdim(denoise, start, {
        ...sampling,
        schedule: model.schedule,
        noise: noise.source,
        signal,
      });
      for (const condition of ['seg_mask', 'text'] as const) {
        const row: SheetCell[] = [];
        for (const at of shownSteps(timesteps.length)) {
          const map = recorder.influence[condition]![at]!;
          const word = condition === 'text' ? 'text' : 'mask';
          row.push(cell(greyImage(await map.data<'float32'>(), map.shape[2]), `${name}${word} t=${timesteps[at]}`));
        }
        rows.push(row);
      }
      recorder.dispose();
      tf.dispose([start, z]);
    }
    return rows;
  } finally {
    step.dispose();
    tf.dispose([...Object.values(inputs), ...tensorsOf(contexts)]);
  }
}
