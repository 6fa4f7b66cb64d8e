import type * as tf from '@tensorflow/tfjs-core';
import type { HostTensor } from './host-tensor.js';
import { toIds, toImage, toTensor } from './layout.js';

/** A case's input tensors. Asking for one that the case does not hold fails the case by name. */
export class Inputs {
  constructor(private readonly tensors: ReadonlyMap<string, HostTensor>) {}

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** As stored. */
  host(name: string): HostTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      const held = [...this.tensors.keys()].join(', ') || 'none';
      throw new Error(`input '${name}' is asked for, but inputs.safetensors does not hold it (held: ${held})`);
    }
    return tensor;
  }

  /** An image or feature map, as (B, H, W, C). */
  image(name: string): tf.Tensor4D {
    return this.named(name, toImage);
  }

  /** A tensor without image axes, float32. */
  tensor(name: string): tf.Tensor {
    return this.named(name, toTensor);
  }

  /** Ids, int32. */
  ids(name: string): tf.Tensor {
    return this.named(name, toIds);
  }

  /** Time steps (B): int32, or float32 where there are fractions. */
  steps(name: string): tf.Tensor1D {
    return this.named(name, (host) => {
      if (host.shape.length !== 1) throw new Error(`wanted time steps (B), got shape [${host.shape}]`);
      return (host.values.every(Number.isInteger) ? toIds(host) : toTensor(host)) as tf.Tensor1D;
    });
  }

  private named<T>(name: string, convert: (host: HostTensor) => T): T {
    const host = this.host(name);
    try {
      return convert(host);
    } catch (error) {
      throw new Error(`input '${name}': ${error instanceof Error ? error.message : error}`);
    }
  }
}
