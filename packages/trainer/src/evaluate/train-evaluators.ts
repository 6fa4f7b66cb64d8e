import { confusionOf, type Params, pixelAccuracy, sumConfusions } from '@codiff/ldm-core';
import { saveParams } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { FACE_CLASSES } from '../data/classes.js';
import { ATTRIBUTES, type Attribute, attributeNames, DrawingClassifier } from './drawing-classifier.js';
import { DRAWING_SIDE, DrawingParser } from './drawing-parser.js';
import { type DrawnSet, drawnBatch } from './drawn-set.js';
import { crossEntropy, type NetworkTraining, type TrainedNetwork, trainNetwork } from './train-network.js';

/** The two networks of drawings. */
export const evaluatorNames = ['parser', 'classifier'] as const;
/** A name from {@link evaluatorNames}. */
export type EvaluatorName = (typeof evaluatorNames)[number];

/** Steps, batch and rate of each: under 5 minutes on 2 cores. */
export const EVALUATOR_TRAINING: Readonly<
  Record<EvaluatorName, Pick<NetworkTraining, 'steps' | 'batchSize' | 'learningRate'>>
> = {
  parser: { steps: 1200, batchSize: 16, learningRate: 3e-3 },
  classifier: { steps: 2400, batchSize: 32, learningRate: 1.5e-3 },
};

/** What a network reaches on held-out drawings. */
export interface HeldOutAccuracy {
  /** Of pixels, or the mean of the attributes'. */
  readonly accuracy: number;
  /** By attribute; empty for the parser. */
  readonly parts: Readonly<Record<string, number>>;
  readonly n: number;
}

/** Held-out images at once. */
const BATCH = 50;

/** What training and measuring one of them needs. */
interface Trainable extends TrainedNetwork {
  heldOut(p: Params, drawings: DrawnSet): Promise<HeldOutAccuracy>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Train one of the networks of drawings, measure it on held-out drawings, and save it as float16 safetensors.
 * Neither set shares a face with data sets of other seeds, nor weights or latents with any generator.
 * @throws the signal's reason once it is aborted; nothing is written then
 */
export async function trainEvaluator(
  name: EvaluatorName,
  path: string,
  { drawings, heldOut, training }: { drawings: DrawnSet; heldOut: DrawnSet; training: NetworkTraining },
): Promise<HeldOutAccuracy> {
  const network = trainable(name, training);
  const params = await trainNetwork(network, drawings, training);
  try {
    const found = await network.heldOut(params, heldOut);
    const { steps, batchSize, learningRate, seed } = training;
    const recipe = { steps, batchSize, learningRate, seed, drawings: drawings.facts.length };
    await saveParams(path, params, network.specs, {
      format: 'safetensors',
      dtype: 'float16',
      metadata: { ...network.metadata, training: JSON.stringify(recipe), held_out: JSON.stringify(found) },
    });
    return found;
  } finally {
    params.dispose();
  }
}

function trainable(name: EvaluatorName, { compile }: NetworkTraining): Trainable {
  return name === 'parser' ? trainableParser(compile) : trainableClassifier(compile);
}

/** What the file of the parser says of itself. */
export const PARSER_METADATA = {
  network: 'drawing-parser',
  side: String(DRAWING_SIDE),
  classes: FACE_CLASSES.map((face) => face.name).join(),
} as const;

/** What the file of the classifier says of itself. */
export const CLASSIFIER_METADATA = {
  network: 'drawing-classifier',
  side: String(DRAWING_SIDE),
  attributes: JSON.stringify(ATTRIBUTES),
} as const;

function trainableParser(compile: NetworkTraining['compile']): Trainable {
  const parser = new DrawingParser();
  const parse = compile((p: Params, x: tf.Tensor4D) => parser.parse(p, x), { name: 'parse' });
  return {
    specs: parser.specs,
    metadata: PARSER_METADATA,
    loss: (p, { images, masks }) => crossEntropy(parser.logits(p, images), masks),
    async heldOut(p, drawings) {
      const counts = [];
      for (const rows of batches(drawings.facts.length)) {
        const batch = drawnBatch(drawings, rows);
        const found = parse(p, batch.images);
        counts.push(confusionOf(await batch.masks.data(), await found.data(), FACE_CLASSES.length));
        tf.dispose([found, ...Object.values(batch)]);
      }
      return { accuracy: pixelAccuracy(sumConfusions(counts)), parts: {}, n: drawings.facts.length };
    },
  };
}

function trainableClassifier(compile: NetworkTraining['compile']): Trainable {
  const classifier = new DrawingClassifier();
  const choose = compile(
    (p: Params, x: tf.Tensor4D) => {
      const { gender, age, beard } = classifier.logits(p, x);
      return { gender: tf.argMax(gender, 1), age: tf.argMax(age, 1), beard: tf.argMax(beard, 1) };
    },
    { name: 'classify' },
  );
  return {
    specs: classifier.specs,
    metadata: CLASSIFIER_METADATA,
    loss: (p, batch) => {
      const logits = classifier.logits(p, batch.images);
      return tf.addN(attributeNames.map((name) => crossEntropy(logits[name], batch[name]))) as tf.Scalar;
    },
    async heldOut(p, drawings) {
      const right: Record<Attribute, number> = { gender: 0, age: 0, beard: 0 };
      for (const rows of batches(drawings.facts.length)) {
        const batch = drawnBatch(drawings, rows);
        const found = choose(p, batch.images);
        for (const name of attributeNames) {
          const [wanted, chosen] = [await batch[name].data<'int32'>(), await found[name].data<'int32'>()];
          right[name] += wanted.reduce((sum, index, i) => sum + (index === chosen[i] ? 1 : 0), 0);
        }
        tf.dispose([...Object.values(found), ...Object.values(batch)]);
      }
      const n = drawings.facts.length;
      const parts = Object.fromEntries(attributeNames.map((name) => [name, right[name] / n]));
      const accuracy = attributeNames.reduce((sum, name) => sum + right[name] / n, 0) / attributeNames.length;
      return { accuracy, parts, n };
    },
  };
}

/** 0 .. n-1 in stretches of one size, as far as they go: a shorter last one would be traced anew. */
function batches(n: number): number[][] {
  return Array.from({ length: Math.ceil(n / BATCH) }, (_, b) =>
    Array.from({ length: Math.min(BATCH, n - b * BATCH) }, (_, i) => b * BATCH + i),
  );
}
