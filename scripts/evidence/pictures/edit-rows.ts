import {
  type ByteImage,
  editedImageBytes,
  interpolate,
  readImages,
  type SheetCell,
  withBranchUNet,
} from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { type Params, Rng, sampleDdim, tensorsOf, tidyTree } from '@codiff/ldm-core';
import { colourMask, decodeImage } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { type Method, predictorOf } from '../methods.js';
import type { Session } from '../session.js';
import { startNoise } from '../start-noise.js';
import { type EditedBranch, editBranch } from './branch-edit.js';
import { cell, maskCell } from './cells.js';
import { editTargets } from './edit-targets.js';
import type { EditIterations } from './edit-tuning.js';

/** 0 reconstructs the image, 1 is the target, more goes beyond it. */
const ALPHAS = [0, 0.5, 1, 1.5] as const;

/** Pairs among which the edited face is chosen. */
const CANDIDATES = 50;

/** The rows of the sheet, and what was asked for. */
export interface EditRows {
  readonly rows: SheetCell[][];
  readonly caption: string;
  readonly target: string;
}

/** Text edit, mask edit and collaborative edit of one drawing, by the functions behind `codiff edit`. */
export async function editRows(
  { opened, pairs, sampling, options, signal }: Pick<Session, 'opened' | 'pairs' | 'sampling' | 'options' | 'signal'>,
  iterations: EditIterations,
): Promise<EditRows> {
  const { model, params, tokenizer, latent } = opened;
  const targets = await editTargets(pairs.test.slice(0, CANDIDATES), sampling.seed);
  const input = await decodeImage(targets.pair.face.image);
  const given = {
    image: tf.tidy(() =>
      tf.sub(tf.div(tf.tensor4d(Float32Array.from(input.values), [1, input.height, input.width, 3]), 127.5), 1),
    ) as tf.Tensor4D,
    noise: Rng.of(sampling.seed)
      .split('posterior')
      .normal<tf.Rank.R4>([1, ...latent]),
    text: tokenizer.encode([targets.caption]),
    mask: tf.tensor3d(Float32Array.from(targets.condition), [1, 19, 1024]),
  };
  const encode = compile(
    (p: Params, image: tf.Tensor4D, noise: tf.Tensor4D, text: tf.Tensor2D, seg_mask: tf.Tensor3D) => ({
      x0: model.encodeFirstStage(p, image, noise),
      ...model.encodeConditions(p, { text, seg_mask }),
    }),
    { name: 'encode the edit' },
  );
  const encoded = encode(params, given.image, given.noise, given.text, given.mask) as Record<string, tf.Tensor>;
  encode.dispose();
  const x0 = encoded.x0 as tf.Tensor4D;
  const tune = (condition: 'text' | 'seg_mask') =>
    editBranch(
      opened,
      { condition, target: encoded[condition] as tf.Tensor3D, x0, root: options.root, seed: sampling.seed },
      iterations,
      signal,
    );
  const edited: { text?: EditedBranch; seg_mask?: EditedBranch } = {};
  let sampler: EditSampler | undefined;
  try {
    edited.text = await tune('text');
    edited.seg_mask = await tune('seg_mask');
    const made = editSampler({ opened, sampling, signal, pair: targets.pair.index }, edited.text, edited.seg_mask);
    sampler = made;
    const sample = async (method: Method, word: string) =>
      (await made.of(method)).map((image, i) => cell(image, `${word} ${ALPHAS[i]}`));
    const { face } = targets.pair;
    return {
      rows: [
        [cell(input, 'input'), ...(await sample('text-only', 'text'))],
        [cell(colourMask(targets.mask), 'new mask'), ...(await sample('mask-only', 'mask'))],
        [await maskCell(face.mask!, 'old mask'), ...(await sample('collaborative-generate', 'both'))],
      ],
      caption: face.caption,
      target: targets.caption,
    };
  } finally {
    sampler?.dispose();
    const own = Object.values(edited).flatMap(({ optimized, unet }) => [optimized, ...unet.values()]);
    tf.dispose([...Object.values(given), ...Object.values(encoded), ...own]);
  }
}

/** Makes images of an edit. */
interface EditSampler {
  /** One image an alpha. */
  of(method: Method): Promise<ByteImage[]>;
  dispose(): void;
}

/** Samples by a method, with the tuned branches, one image an alpha: all from one start noise. */
function editSampler(
  { opened, sampling, signal, pair }: Pick<Session, 'opened' | 'sampling' | 'signal'> & { readonly pair: number },
  text: EditedBranch,
  mask: EditedBranch,
): EditSampler {
  const { model, params, latent } = opened;
  const p = withBranchUNet(withBranchUNet(params, 'text', text.unet), 'seg_mask', mask.unet);
  const between = ({ target, optimized }: EditedBranch) =>
    tf.tidy(() =>
      tf.concat(
        ALPHAS.map((alpha) => interpolate(target, optimized, alpha)),
        0,
      ),
    ) as tf.Tensor3D;
  const embeddings = { text: between(text), seg_mask: between(mask) };
  const contexts = tidyTree(() => model.contextKeys(p, embeddings));
  const unweighed = tf.scalar(0);
  const decode = compile((p: Params, z: tf.Tensor4D) => model.decodeFirstStage(p, z), { name: 'decode' });
  const keys = ALPHAS.map(() => ({ pair, sample: 0 }));
  return {
    async of(method) {
      const step = compile(predictorOf(model, method), { name: method });
      const noise = startNoise(sampling.seed, keys, latent);
      const held: tf.Tensor[] = [noise.start()];
      try {
        const denoise = (x: tf.Tensor4D, t: number) =>
          step(p, x, tf.fill([x.shape[0]], t, 'int32') as tf.Tensor1D, contexts, unweighed);
        const options = { ...sampling, schedule: model.schedule, noise: noise.source, signal };
        const z = await sampleDdim(denoise, held[0] as tf.Tensor4D, options);
        held.push(z);
        const images = decode(p, z);
        held.push(images);
        return editedImageBytes(await readImages(images));
      } finally {
        step.dispose();
        tf.dispose(held);
      }
    },
    dispose() {
      decode.dispose();
      tf.dispose([unweighed, ...Object.values(embeddings), ...tensorsOf(contexts)]);
    },
  };
}
