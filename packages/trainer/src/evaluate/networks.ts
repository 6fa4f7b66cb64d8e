import type * as tf from '@tensorflow/tfjs-core';

/** A network that turns an image into a vector: what the Frechet and the kernel distance, diversity and identity are of. */
export interface FeatureNetwork {
  /** For tables: 'inception-v3', 'drawing classifier'. */
  readonly name: string;
  /** Length of a vector. */
  readonly width: number;
  /** Side of the images that it reads; undefined: any, it resizes them itself. */
  readonly side?: number;
  /** @param x images in [-1,1] [B,H,W,3] @returns [B,width], the caller's */
  features(x: tf.Tensor4D): tf.Tensor2D;
}

/** A network that finds the class of every pixel. */
export interface FaceParser {
  readonly name: string;
  /** Names of its classes by index; they must be those of the masks. */
  readonly classes: readonly string[];
  /** Side of the images that it reads, and of the maps that it gives. */
  readonly side: number;
  /** @param x images in [-1,1] [B,side,side,3] @returns class ids int32 [B,side,side], the caller's */
  parse(x: tf.Tensor4D): tf.Tensor3D;
}

/** How far images show what their captions tell. */
export interface Consistency {
  /** One value an image, the higher the better. */
  readonly overall: Float64Array;
  /** The same by part (gender, age, beard), where there are parts. */
  readonly parts: ReadonlyMap<string, Float64Array>;
}

/** A network that judges whether an image shows what a caption tells. */
export interface TextJudge {
  readonly name: string;
  /** Side of the images that it reads; undefined: any. */
  readonly side?: number;
  /** @throws Error naming the caption that it cannot judge */
  checkCaption(caption: string): void;
  /** @param x images in [-1,1] [B,H,W,3] @param captions [B] */
  judge(x: tf.Tensor4D, captions: readonly string[]): Promise<Consistency>;
}

/** A distance of two images as people see it. */
export interface PairNetwork {
  readonly name: string;
  /** @param x images in [-1,1] [B,H,W,3] @param y like x @returns [B], the caller's */
  distance(x: tf.Tensor4D, y: tf.Tensor4D): tf.Tensor1D;
}

/** The networks of an evaluation. What is not there is not measured. */
export interface EvaluationNetworks {
  readonly features: FeatureNetwork;
  readonly parser?: FaceParser | undefined;
  readonly text?: TextJudge | undefined;
  /** For the diversity of samples. */
  readonly pairs?: PairNetwork | undefined;
  /** What is not measured since a file is missing. */
  readonly notes?: readonly string[];
  /** Free weights and compiled functions. */
  dispose(): void;
}
