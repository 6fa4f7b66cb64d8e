import { Linear, type Params, Scope } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { ages, beards, type CaptionFacts, genders } from '../data/synth/facts.js';
import { ConvBlock } from './drawing-blocks.js';

/** What a caption of a drawing tells, with the words of each attribute by index. */
export const ATTRIBUTES = { gender: genders, age: ages, beard: beards } as const satisfies {
  readonly [K in keyof CaptionFacts]: readonly CaptionFacts[K][];
};
/** A name from {@link ATTRIBUTES}. */
export type Attribute = keyof typeof ATTRIBUTES;
/** Names of the attributes, in order. */
export const attributeNames = Object.keys(ATTRIBUTES) as Attribute[];

/** Layers: channels out and stride, from 64 pixels to 4. */
const LAYERS = [
  [32, 1],
  [64, 2],
  [64, 1],
  [128, 2],
  [128, 1],
  [128, 2],
  [128, 1],
  [128, 2],
] as const;
const LAST_SIDE = 4;

/** Scores of every attribute [B,K]. */
export type AttributeLogits = { readonly [K in Attribute]: tf.Tensor2D };

/**
 * The classifier of drawn faces: what captions tell of them (gender, age, beard), and a vector for distances. Keys
 * `layers.0..7`, `features`, `heads.{gender,age,beard}`.
 */
export class DrawingClassifier {
  /** Length of the features. */
  readonly width = 128;
  readonly specs: Scope['specs'];
  private readonly layers: readonly ConvBlock[];
  private readonly project: Linear;
  private readonly heads: { readonly [K in Attribute]: Linear };

  constructor(scope = Scope.root()) {
    let channels = 3;
    this.layers = LAYERS.map(([outC, stride], i) => {
      const layer = new ConvBlock(scope.at(`layers.${i}`), channels, outC, stride);
      channels = outC;
      return layer;
    });
    this.project = new Linear(scope.at('features'), LAST_SIDE * LAST_SIDE * channels, this.width);
    const head = (name: Attribute) => new Linear(scope.at(`heads.${name}`), this.width, ATTRIBUTES[name].length);
    this.heads = { gender: head('gender'), age: head('age'), beard: head('beard') };
    this.specs = scope.specs;
  }

  /** @param x images in [-1,1] [B,64,64,3] @returns [B,128] */
  features(p: Params, x: tf.Tensor4D): tf.Tensor2D {
    const h = this.layers.reduce((h, layer) => layer.forward(p, h), x);
    return tf.relu(this.project.forward(p, tf.reshape(h, [x.shape[0], -1]) as tf.Tensor2D));
  }

  /** @param x as for {@link features} */
  logits(p: Params, x: tf.Tensor4D): AttributeLogits {
    const features = this.features(p, x);
    const of = (name: Attribute) => this.heads[name].forward(p, features);
    return { gender: of('gender'), age: of('age'), beard: of('beard') };
  }
}
