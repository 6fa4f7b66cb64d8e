import * as tf from '@tensorflow/tfjs-core';
import { type HostTensor, invertPermutation, permute, sizeOf } from './host-tensor.js';

/**
 * The one place where layouts meet: the original's images are NCHW, ours NHWC. Everything else (tokens, contexts,
 * embeddings, one-hot masks) has one layout on both sides.
 */
const TO_NHWC = [0, 2, 3, 1];
const TO_NCHW = [0, 3, 1, 2];

/** An image or feature map (B, C, H, W) of the original as our tensor (B, H, W, C). */
export function toImage(host: HostTensor): tf.Tensor4D {
  if (host.shape.length !== 4) throw new Error(`wanted an image (B, C, H, W), got shape [${host.shape}]`);
  const { shape, values } = permute(host, TO_NHWC);
  return tf.tensor4d(Float32Array.from(values), shape as [number, number, number, number]);
}

/** A tensor without image axes as it is: float32. */
export function toTensor(host: HostTensor): tf.Tensor {
  return tf.tensor(Float32Array.from(host.values), [...host.shape], 'float32');
}

/** Ids or time steps: int32. */
export function toIds(host: HostTensor): tf.Tensor {
  return tf.tensor(Int32Array.from(host.values), [...host.shape], 'int32');
}

/** Read a tensor without image axes. */
export async function fromTensor(tensor: tf.Tensor): Promise<HostTensor> {
  const values = await tensor.data();
  return { shape: tensor.shape, values };
}

/** Read an image or feature map (B, H, W, C) as the original's (B, C, H, W). */
export async function fromImage(tensor: tf.Tensor): Promise<HostTensor> {
  if (tensor.rank !== 4) throw new Error(`wanted an image (B, H, W, C), got shape [${tensor.shape}]`);
  return permute(await fromTensor(tensor), TO_NCHW);
}

/** Stack tensors of one shape along a new first axis. */
export function stack(tensors: readonly HostTensor[]): HostTensor {
  const shape = tensors[0]?.shape ?? [];
  const size = sizeOf(shape);
  const values = new Float64Array(tensors.length * size);
  for (const [i, tensor] of tensors.entries()) values.set(tensor.values, i * size);
  return { shape: [tensors.length, ...shape], values };
}

/** One entry along the first axis. */
export function unstack(host: HostTensor, index: number): HostTensor {
  const shape = host.shape.slice(1);
  const size = sizeOf(shape);
  return { shape, values: host.values.slice(index * size, (index + 1) * size) };
}

/** A tensor (B, C, ...) of any rank as ours (B, ..., C). */
export function toChannelsLast(host: HostTensor): tf.Tensor {
  return toTensor(permute(host, channelsLast(host.shape.length)));
}

/** Read a tensor (B, ..., C) as the original's (B, C, ...). */
export async function fromChannelsLast(tensor: tf.Tensor): Promise<HostTensor> {
  return permute(await fromTensor(tensor), invertPermutation(channelsLast(tensor.rank)));
}

/** The permutation that moves axis 1 to the end. */
function channelsLast(rank: number): number[] {
  const [batch, channels, ...rest] = Array.from({ length: rank }, (_, axis) => axis);
  return [batch!, ...rest, channels!];
}
