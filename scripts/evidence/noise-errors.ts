import { type Contexts, confidenceMix } from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { inParts, type Params, qSample, Rng, tensorsOf } from '@codiff/ldm-core';
import { decodeImage, readOneHot } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { Pair } from './pairs.js';
import type { Session } from './session.js';

/** Timesteps that errors are looked at: the middles of ten equal parts of the training's 1000, in the order of sampling. */
export const NOISE_TIMESTEPS: readonly number[] = Array.from({ length: 10 }, (_, i) => 950 - 100 * i);
/** Weights of the mask that a fixed mix is tried with; the first is the text model alone, the last the mask model alone. */
export const NOISE_WEIGHTS: readonly number[] = Array.from({ length: 21 }, (_, i) => i / 20);

/** How well the noise in latents of held-out faces is predicted at one timestep: means over all faces. */
export interface NoiseErrors {
  readonly timestep: number;
  /** Squared errors of fixed mixes, by {@link NOISE_WEIGHTS}. */
  readonly fixed: readonly number[];
  /** Squared error of the plain softmax, which is what the dynamic diffusers are trained for. */
  readonly collaborative: number;
  /** Squared error of the mix by which `codiff generate` samples. */
  readonly generate: number;
  /** Influence of the mask by the plain softmax, 0 to 1. */
  readonly influence: number;
}

/**
 * Squared errors of the noise that mixes predict, on the way that training takes: a face is encoded, noise is added as of a
 * timestep, and the models are to tell it. Latents and noise are the same for every mix; those of a face depend on nothing but the
 * seed, its number and the timestep.
 * @param pairs all of which are looked at @returns one entry of each of {@link NOISE_TIMESTEPS}
 * @throws the signal's reason once it is aborted
 */
export async function noiseErrors(
  { opened, options, sampling, branches, signal, line }: Session,
  pairs: readonly Pair[],
): Promise<NoiseErrors[]> {
  const { params, tokenizer, latent } = opened;
  const { batchSize } = options;
  const { encode, errors } = compiledErrors(opened, branches);
  const sums = NOISE_TIMESTEPS.map(() => new Float64Array(COLUMNS));
  try {
    for (let from = 0; from < pairs.length; from += batchSize) {
      const own = Math.min(batchSize, pairs.length - from);
      // Another size would be compiled anew: the last batch is filled up.
      const batch = Array.from({ length: batchSize }, (_, i) => pairs[from + Math.min(i, own - 1)]!);
      const draw = (label: string, timestep: number): tf.Tensor4D =>
        tf.tidy(() => {
          const sources = batch.map(({ index }) => Rng.of(sampling.seed).split(label).split(index).split(timestep));
          return tf.concat(
            sources.map((source) => source.normal<tf.Rank.R4>([1, ...latent])),
            0,
          );
        });
      const { images, text, mask } = await readBatch(batch, tokenizer);
      const posterior = draw('latents', 0);
      const { x0, contexts } = encode(params, images, posterior, text, mask);
      tf.dispose([images, text, mask, posterior]);
      try {
        for (const [row, timestep] of NOISE_TIMESTEPS.entries()) {
          signal.throwIfAborted();
          line.show(`noise     ${from} of ${pairs.length} faces, timestep ${timestep}`);
          const noise = draw('noise error', timestep);
          const t = tf.fill([batchSize], timestep, 'int32') as tf.Tensor1D;
          const found = errors(params, x0, noise, t, contexts);
          const values = await found.data<'float32'>();
          for (let at = 0; at < own * COLUMNS; at++) sums[row]![at % COLUMNS]! += values[at]! / pairs.length;
          tf.dispose([noise, t, found]);
        }
      } finally {
        tf.dispose([x0, ...tensorsOf(contexts)]);
      }
    }
  } finally {
    encode.dispose();
    errors.dispose();
  }
  return NOISE_TIMESTEPS.map((timestep, row) => {
    const values = [...sums[row]!];
    const [collaborative, generate, influence] = values.slice(NOISE_WEIGHTS.length) as [number, number, number];
    return { timestep, fixed: values.slice(0, NOISE_WEIGHTS.length), collaborative, generate, influence };
  });
}

/** Numbers of a face at a timestep: the errors of all fixed mixes, of the plain softmax and of `generate`'s mix, and the influence. */
const COLUMNS = NOISE_WEIGHTS.length + 3;

/** The functions of the model, compiled; the caller disposes of them. */
function compiledErrors({ model }: Session['opened'], branches: number) {
  const { mix } = confidenceMix(model);
  const encode = compile(
    (p: Params, images: tf.Tensor4D, posterior: tf.Tensor4D, text: tf.Tensor2D, seg_mask: tf.Tensor3D) => ({
      x0: model.encodeFirstStage(p, images, posterior),
      contexts: model.contextKeys(p, model.encodeConditions(p, { text, seg_mask })),
    }),
    { name: 'encode faces' },
  );
  /** [B,COLUMNS] */
  const errors = compile(
    (p: Params, x0: tf.Tensor4D, noise: tf.Tensor4D, t: tf.Tensor1D, contexts: Contexts) =>
      inParts(branches, { x0, noise, t, contexts }, (part) => {
        const inputs = { x: qSample(model.schedule, part.x0, part.t, part.noise), t: part.t, contexts: part.contexts };
        const plain = model.unet.mix(p, inputs, { ...model.unet.options, ruled: false });
        const generate = model.unet.mix(p, inputs, mix);
        const [mask, text] = [plain.branches.seg_mask!, plain.branches.text!];
        const error = (eps: tf.Tensor): tf.Tensor => tf.mean(tf.squaredDifference(eps, part.noise), [1, 2, 3]);
        const fixed = NOISE_WEIGHTS.map((weight) => error(tf.add(tf.mul(weight, mask), tf.mul(1 - weight, text))));
        const influence = tf.mean(plain.influence.seg_mask!, [1, 2, 3]);
        return tf.stack([...fixed, error(plain.eps), error(generate.eps), influence], 1) as tf.Tensor2D;
      }),
    { name: 'errors of the noise' },
  );
  return { encode, errors };
}

/** Faces and conditions of a batch as the models read them. The caller owns them. */
async function readBatch(batch: readonly Pair[], tokenizer: Session['opened']['tokenizer']) {
  const pixels = await Promise.all(batch.map(({ face }) => decodeImage(face.image)));
  const masks = await Promise.all(batch.map(({ face }) => readOneHot(face.condition!)));
  return tf.tidy(() => ({
    images: tf.stack(
      pixels.map(({ values, width, height }) =>
        tf.sub(tf.div(tf.tensor3d(Float32Array.from(values), [height, width, 3]), 127.5), 1),
      ),
    ) as tf.Tensor4D,
    text: tokenizer.encode(batch.map(({ face }) => face.caption)),
    mask: tf.stack(masks.map((values) => tf.tensor2d(Float32Array.from(values), [19, 1024]))) as tf.Tensor3D,
  }));
}
