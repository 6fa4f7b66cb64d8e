import { type ImageBatch, joinBatches, readImages } from '@codiff/codiff';
import * as tf from '@tensorflow/tfjs-core';

/**
 * One image of a batch at every step of its run, decoded a batch at a time, so that the decoder sees no other shape and holds no
 * more than for the results.
 * @param steps latents of the whole batch [B,h,w,c], step by step @param image which of the batch
 * @param decode latents [B,h,w,c] to images [B,H,W,3] @param check called before each call of the decoder; may throw
 * @returns [steps,H,W,3]
 */
export async function decodeSteps(
  steps: readonly tf.Tensor4D[],
  image: number,
  decode: (z: tf.Tensor4D) => tf.Tensor4D,
  check: () => void,
): Promise<ImageBatch> {
  const B = steps[0]!.shape[0];
  const batches: ImageBatch[] = [];
  for (let at = 0; at < steps.length; at += B) {
    check();
    const here = steps.slice(at, at + B);
    const images = tf.tidy(() => {
      const own = here.map((step) => tf.slice(step, [image], [1]));
      const padding = Array.from({ length: B - own.length }, () => own.at(-1)!);
      return decode(tf.concat([...own, ...padding], 0));
    });
    const read = await readImages(images);
    images.dispose();
    const [, H, W, C] = read.shape;
    batches.push({ values: read.values.subarray(0, here.length * H * W * C), shape: [here.length, H, W, C] });
  }
  return joinBatches(batches);
}

/** One image's maps at every step, in ordinary memory [steps,h,w,C]. @param steps of the whole batch [B,h,w,C] */
export async function readSteps(steps: readonly tf.Tensor4D[], image: number): Promise<ImageBatch> {
  const maps = tf.tidy(
    () =>
      tf.concat(
        steps.map((step) => tf.slice(step, [image], [1])),
        0,
      ) as tf.Tensor4D,
  );
  const read = await readImages(maps);
  maps.dispose();
  return read;
}
