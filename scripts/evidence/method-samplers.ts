import { type ByteImage, imageBytes, readImages } from '@codiff/codiff';
import { type Compiled, compile } from '@codiff/engine';
import { inParts, type Params, sampleDdim, tensorsOf } from '@codiff/ldm-core';
import { readOneHot } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { effectiveMethod, type Method, type PredictNoise, predictorOf, type WeighedMethod } from './methods.js';
import type { OpenedModel } from './open-model.js';
import type { QuickPrecision } from './options.js';
import { startNoise } from './start-noise.js';

/** How images are sampled: DDIM. */
export interface Sampling {
  readonly steps: number;
  readonly eta: number;
  readonly seed: number;
}

/** One image to make. */
export interface WantedImage {
  /** Numbers that decide its noise. */
  readonly pair: number;
  readonly sample: number;
  /** In lower case. */
  readonly caption: string;
  /** File of the one-hot tensor. */
  readonly condition: string;
}

/** What a batch is told besides its images. */
export interface BatchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told after each step. */
  readonly onStep?: (() => void) | undefined;
}

/** How the functions of a model are compiled. */
export interface SamplerOptions {
  /** Of a batch, that are computed side by side; the engine's branches. */
  readonly parts: number;
  readonly precision: QuickPrecision;
}

/** Every method over one model, in batches of one size: encoding, decoding and each method's step are compiled once. */
export class MethodSamplers {
  private readonly encode;
  private readonly decode;
  private readonly steps = new Map<Method, Compiled<Parameters<PredictNoise>, tf.Tensor4D>>();

  /** @param opened left to the caller */
  constructor(
    readonly opened: OpenedModel,
    readonly batchSize: number,
    private readonly options: SamplerOptions,
  ) {
    const { model } = opened;
    const { parts, precision } = options;
    this.encode = compile(
      (p: Params, text: tf.Tensor2D, seg_mask: tf.Tensor3D) =>
        model.contextKeys(p, model.encodeConditions(p, { text, seg_mask })),
      { name: 'encode', precision },
    );
    this.decode = compile((p: Params, z: tf.Tensor4D) => inParts(parts, z, (part) => model.decodeFirstStage(p, part)), {
      name: 'decode',
      precision,
    });
  }

  /**
   * Sample a batch.
   * @param images no more than fit into a batch; a smaller one is filled up, since another size would be compiled anew
   * @returns images in order
   * @throws the signal's reason if it is aborted; nothing is left behind
   */
  async sample(
    method: WeighedMethod,
    images: readonly WantedImage[],
    { steps, eta, seed }: Sampling,
    { signal, onStep }: BatchOptions = {},
  ): Promise<ByteImage[]> {
    const { batchSize } = this;
    if (images.length === 0 || images.length > batchSize) {
      throw new RangeError(`sampling: ${images.length} images for batches of ${batchSize}`);
    }
    const { model, params, latent, tokenizer } = this.opened;
    const batch = Array.from({ length: batchSize }, (_, i) => images[Math.min(i, images.length - 1)]!);
    const masks = await Promise.all(batch.map(({ condition }) => readOneHot(condition)));
    const step = this.stepOf(effectiveMethod(method));
    const held: tf.Tensor[] = [];
    const hold = <T extends tf.Tensor>(tensor: T): T => {
      held.push(tensor);
      return tensor;
    };
    try {
      const text = hold(tokenizer.encode(batch.map(({ caption }) => caption)));
      const mask = hold(
        tf.tidy(() => tf.stack(masks.map((m) => tf.tensor2d(Float32Array.from(m), [19, 1024]))) as tf.Tensor3D),
      );
      const contexts = this.encode(params, text, mask);
      held.push(...tensorsOf(contexts));
      const noise = startNoise(seed, batch, latent);
      const start = hold(noise.start());
      const maskWeight = hold(tf.scalar(method.method === 'fixed-mix' ? method.maskWeight : 0));
      const denoise = (x: tf.Tensor4D, t: number) =>
        step(params, x, tf.fill([x.shape[0]], t, 'int32') as tf.Tensor1D, contexts, maskWeight);
      const z = await sampleDdim(denoise, start, {
        schedule: model.schedule,
        steps,
        eta,
        noise: noise.source,
        signal,
        onStep: () => onStep?.(),
      });
      const decoded = hold(this.decode(params, hold(z)));
      return imageBytes(await readImages(decoded)).slice(0, images.length);
    } finally {
      tf.dispose(held);
    }
  }

  /** Free the compiled functions. */
  dispose(): void {
    for (const compiled of [this.encode, this.decode, ...this.steps.values()]) compiled.dispose();
  }

  private stepOf(method: Method): Compiled<Parameters<PredictNoise>, tf.Tensor4D> {
    const known = this.steps.get(method);
    if (known) return known;
    const predict = predictorOf(this.opened.model, method);
    const compiled = compile<Parameters<PredictNoise>, tf.Tensor4D>(
      (p, x, t, contexts, maskWeight) =>
        inParts(this.options.parts, { x, t, contexts }, (part) =>
          predict(p, part.x, part.t, part.contexts, maskWeight),
        ),
      { name: method, precision: this.options.precision },
    );
    this.steps.set(method, compiled);
    return compiled;
  }
}
