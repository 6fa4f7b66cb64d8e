import { narrow } from '@codiff/engine';
import { type ParamSpec, type Upload, uploadNow } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Request } from './request.js';

/** How weights are kept on the device. */
export interface WeightStorage {
  readonly upload: Upload;
  /** A parameter's tensor, which is given away, as it is kept. */
  keep(tensor: tf.Tensor, spec: Pick<ParamSpec, 'factor'>): tf.Tensor;
  /** Bytes that a parameter takes. */
  bytesOf(spec: Pick<ParamSpec, 'shape' | 'factor'>): number;
}

/**
 * Weights for functions that compute in `precision`: in half of it, those of convolutions and linear layers take half the
 * memory and are not rounded anew at each step. The rest (biases, norms, embedding tables) is not computed with in half.
 */
export function weightStorage(precision: Request['precision']): WeightStorage {
  const keep: WeightStorage['keep'] = (tensor, spec) => {
    if (precision === 'float32' || !spec.factor) return tensor;
    try {
      return narrow(tensor, precision);
    } finally {
      tensor.dispose();
    }
  };
  return {
    keep,
    upload: (values, spec) => keep(uploadNow(values, spec), spec),
    bytesOf: (spec) => (precision !== 'float32' && spec.factor ? 2 : 4) * tf.util.sizeFromShape([...spec.shape]),
  };
}
