import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Params } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { stemOf } from './imagic-files.js';
import type { PreparedImagic } from './prepare-imagic.js';
import { readTensors, writeTensors } from './tensor-files.js';

/** The tensors of an edit, in memory and in its folder. What it holds when it is disposed is freed. */
export class EditTensors {
  private readonly own = new Set<tf.Tensor>();

  constructor(private readonly prepared: Pick<PreparedImagic, 'open' | 'folder'>) {}

  /** Whether the folder has a file. */
  has(name: string): boolean {
    return existsSync(join(this.prepared.folder.path, name));
  }

  /** The tensor of a file of one. */
  async read<T extends tf.Tensor>(name: string): Promise<T> {
    const { tensors } = await readTensors(join(this.prepared.folder.path, name));
    for (const tensor of tensors.values()) this.own.add(tensor);
    return tensors.get(stemOf(name)) as T;
  }

  /** Write a tensor as a file of one. @param record for its header */
  save(name: string, tensor: tf.Tensor, record?: unknown): Promise<void> {
    return this.prepared.folder.save(name, (path) => writeTensors(path, new Map([[stemOf(name), tensor]]), record));
  }

  /** Weights of the checkpoint. */
  async load(wants: (key: string) => boolean): Promise<Params> {
    return this.holdAll(await this.prepared.open.weights.load(wants));
  }

  /** Free a tensor at the end. */
  hold<T extends tf.Tensor>(tensor: T): T {
    this.own.add(tensor);
    return tensor;
  }

  /** Free weights at the end. */
  holdAll(params: Params): Params {
    for (const tensor of params.values()) this.own.add(tensor);
    return params;
  }

  /** Leave tensors to someone else. */
  release(tensors: Iterable<tf.Tensor>): void {
    for (const tensor of tensors) this.own.delete(tensor);
  }

  /** Free weights now. */
  free(params: Params | undefined): void {
    for (const tensor of params?.values() ?? []) {
      this.own.delete(tensor);
      tensor.dispose();
    }
  }

  dispose(): void {
    tf.dispose([...this.own].filter((tensor) => !tensor.isDisposed));
    this.own.clear();
  }
}
