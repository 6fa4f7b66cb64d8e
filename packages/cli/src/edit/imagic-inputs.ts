import { compile } from '@codiff/engine';
import type { LatentDiffusion, Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { oneHotMask } from '../generate/mask.js';
import type { EditTensors } from './edit-tensors.js';
import { FILES } from './imagic-files.js';
import { imageTensor } from './input-image.js';
import type { PreparedImagic } from './prepare-imagic.js';

/** A first stage with the image that it has encoded. */
export interface FirstStage {
  readonly params: Params;
  /** [1,h,w,C] */
  readonly x0: tf.Tensor4D;
}

/** Load the first stage, and encode the image: a sample of the posterior, drawn from the edit's seed. */
export async function loadFirstStage(
  { model, image, open }: PreparedImagic,
  tensors: EditTensors,
  rng: Rng,
): Promise<FirstStage> {
  const params = await tensors.load((key) => key.startsWith('first_stage_model.') || key === 'scale_factor');
  const encode = compile(
    (p: Params, images: tf.Tensor4D, noise: tf.Tensor4D) => model.encodeFirstStage(p, images, noise),
    { name: 'encode' },
  );
  const given = [imageTensor(image), rng.split('posterior').normal<tf.Rank.R4>([1, ...open.latent])] as const;
  try {
    return { params, x0: tensors.hold(encode(params, ...given)) };
  } finally {
    tf.dispose([...given]);
    encode.dispose();
  }
}

/** The encoded condition [1,L,D]: from its file where stage A is finished, else encoded and saved. */
export async function loadTarget(
  { model, texts, mask, request }: PreparedImagic,
  tensors: EditTensors,
  isFinished: boolean,
): Promise<tf.Tensor3D> {
  if (isFinished && tensors.has(FILES.target)) return tensors.read(FILES.target);
  const encoder = await tensors.load(isEncoder);
  try {
    const input = request.text === undefined ? oneHotMask(mask!) : texts!.ids(request.text);
    const target = tensors.hold(encodeCondition(model, encoder, input));
    await tensors.save(FILES.target, target);
    return target;
  } finally {
    tensors.free(encoder);
  }
}

/** The encoded text to steer away from [1,L,D]; undefined if there is none. */
export async function loadNegative(
  { model, texts, request }: PreparedImagic,
  tensors: EditTensors,
): Promise<tf.Tensor3D | undefined> {
  if (request.negativeText === undefined) return undefined;
  const encoder = await tensors.load(isEncoder);
  try {
    return tensors.hold(encodeCondition(model, encoder, texts!.ids(request.negativeText)));
  } finally {
    tensors.free(encoder);
  }
}

const isEncoder = (key: string): boolean => key.startsWith('cond_stage_model.');

/** Encode a condition, compiled. @param encoder weights of the encoder @param input disposed @returns [1,L,D], the caller's */
export function encodeCondition(model: LatentDiffusion, encoder: Params, input: tf.Tensor): tf.Tensor3D {
  const encode = compile((p: Params, given: tf.Tensor) => model.condition(p, given) as tf.Tensor3D, { name: 'encode' });
  try {
    return encode(encoder, input);
  } finally {
    input.dispose();
    encode.dispose();
  }
}

/**
 * Where images start [1,h,w,C]: from its file where stage A is finished, else drawn from the edit's seed and saved. The file
 * has it as the original's [1,C,h,w].
 */
export async function loadStartCode(
  { open }: PreparedImagic,
  tensors: EditTensors,
  rng: Rng,
  isFinished: boolean,
): Promise<tf.Tensor4D> {
  if (isFinished && tensors.has(FILES.startCode)) {
    const stored = await tensors.read<tf.Tensor4D>(FILES.startCode);
    return tensors.hold(tf.transpose(stored, [0, 2, 3, 1]));
  }
  const code = tensors.hold(rng.split('start code').normal<tf.Rank.R4>([1, ...open.latent]));
  const stored = tf.transpose(code, [0, 3, 1, 2]);
  await tensors.save(FILES.startCode, stored);
  stored.dispose();
  return code;
}
