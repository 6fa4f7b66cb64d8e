import type { EmaState, OptimState, Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Replicas } from '../parallel/replicas.js';

/** One optimizer with everything it changes. */
export interface OptimGroup {
  /** The weights it trains. */
  readonly params: Params;
  readonly optim: OptimState;
  /** Gradients added up since the last update; empty where every batch is an update. */
  readonly grads: Params;
}

/** Everything a training step changes, and nothing else: what is frozen stays with the {@link Training}. */
export interface TrainState {
  /** By name: `model`, or `autoencoder` and `discriminator`. */
  readonly groups: Readonly<Record<string, OptimGroup>>;
  /** Averages of some of the weights; null: none are kept. */
  readonly ema: EmaState | null;
  /** State that no optimizer sees: the discriminator's running statistics. */
  readonly buffers: Params;
}

/** One batch, by the original's batch keys (`image`, `caption`, `seg_mask`, ...). */
export type TensorBatch = Readonly<Record<string, tf.Tensor>>;

/** What a step is told besides state and batch. Numbers are tensors, so that a compiled step is traced once. */
export interface StepControl {
  /** Seed of everything this batch draws, int32 [2]. */
  readonly seed: tf.Tensor1D;
  /** Optimizer steps taken before, int32. */
  readonly globalStep: tf.Scalar;
  /** Factor of all learning rates. */
  readonly lrScale: tf.Scalar;
  /** Whether the optimizers step after this batch; false: gradients are only added up. */
  readonly update: boolean;
}

/** Scalars by the name they are logged under. */
export type Logs = Readonly<Record<string, tf.Scalar>>;

/** All weights of a model, divided into what a step changes and what it only reads. Both own their tensors. */
export interface Divided {
  readonly frozen: Params;
  readonly state: TrainState;
}

/** How one kind of model is trained. Its functions are pure, draw only from the seed they are given, and can be compiled. */
export interface Training {
  /** Divide a model's weights; the tensors change hands. */
  divide(params: Params): Divided;
  /** All weights by checkpoint key, averages included: the inverse of `divide`. Tensors are shared. */
  weights(divided: Divided): Params;
  /** One batch. The first argument counts as consumed. */
  step(state: TrainState, frozen: Params, batch: TensorBatch, control: StepControl): [TrainState, Logs];
  /** The losses of a validation batch. @param seed int32 [2] */
  evaluate(state: TrainState, frozen: Params, batch: TensorBatch, control: EvaluateControl): Logs;
}

/** What a validation step is told besides state and batch. */
export type EvaluateControl = Pick<StepControl, 'seed' | 'globalStep'>;

/** What is the same for every kind of model. */
export interface UpdateOptions {
  /** Batches whose gradients are averaged before an update; 1 by default. */
  readonly accumulate?: number;
  /** Most that all gradients of an optimizer together may measure; absent: no clipping. */
  readonly clipNorm?: number;
  /** Weight decay that is added to the gradients, as PyTorch's Adam does it; 0 by default. */
  readonly l2?: number;
  /** The copies of the model in other processes, with which this one shares each batch; absent: it works alone. */
  readonly replicas?: Replicas | undefined;
}
