import { type Confusion, confusionOf, cosines, type Features } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { MASK_SIDE } from '../data/classes.js';
import { decodeImage } from '../data/decode-image.js';
import { readMaskPng } from '../data/mask-png.js';
import { labelsOf, readOneHot } from '../data/one-hot.js';
import type { Pixels } from '../data/pixels.js';
import { resize } from '../data/resize.js';
import { EvaluationError } from './evaluation-error.js';
import { type ImageEntry, readAlike } from './image-set.js';
import type { EvaluationNetworks, FaceParser, PairNetwork } from './networks.js';

/** What the networks found in a set of images, one entry an image. */
export interface Measured {
  readonly features: Features;
  /** Where every image has a mask. */
  readonly confusions?: readonly Confusion[];
  /** Where every image has a caption. */
  readonly text?: { readonly overall: Float64Array; readonly parts: ReadonlyMap<string, Float64Array> };
  /** Where every image has an original: cosine of the features of both. */
  readonly identity?: Float64Array;
  /** Where a network of pairs is there: mean distance of the samples of each condition that has several. */
  readonly pairs?: ReadonlyMap<number, number>;
  /** Condition of each image: those of one number share mask and caption. */
  readonly conditions: Int32Array;
  /** Size of the images as they came. */
  readonly size: { readonly width: number; readonly height: number };
}

/** How a set is measured. */
export interface MeasureOptions {
  readonly networks: EvaluationNetworks;
  /** Images at once; 32 by default. */
  readonly batchSize?: number;
  readonly onImage?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Run the networks over images, batch by batch: memory is a batch's. Masks, captions and originals count where every entry has one.
 * @throws EvaluationError for images of mixed sizes, captions that cannot be judged; DataError for damaged files
 */
export async function measureImages(
  entries: readonly ImageEntry[],
  { networks, batchSize = 32, onImage, signal }: MeasureOptions,
): Promise<Measured> {
  if (entries.length === 0) throw new EvaluationError('evaluate: no images');
  const { parser, text, features: network } = networks;
  const asks = {
    masks: parser !== undefined && entries.every(({ mask, likeness }) => (mask ?? likeness) !== undefined),
    captions: text !== undefined && entries.every(({ caption }) => caption !== undefined),
    originals: entries.every(({ original }) => original !== undefined),
  };
  if (asks.captions) for (const entry of entries) checkCaption(entry, (caption) => text!.checkCaption(caption));
  const n = entries.length;
  const features = new Float32Array(n * network.width);
  const originals = asks.originals ? new Float32Array(n * network.width) : undefined;
  const confusions: Confusion[] = [];
  const overall = new Float64Array(n);
  const parts = new Map<string, Float64Array>();
  let first: { path: string; pixels: Pixels } | undefined;
  for (let from = 0; from < n; from += batchSize) {
    signal?.throwIfAborted();
    const batch = entries.slice(from, from + batchSize);
    const images = await readAlike(
      batch.map(({ path }) => path),
      first,
    );
    first ??= { path: batch[0]!.path, pixels: images[0]! };
    await withTensor(images, network.side, async (x) => {
      features.set(await valuesOf(network.features(x)), from * network.width);
    });
    if (asks.masks)
      await withTensor(images, parser!.side, async (x) => confusions.push(...(await parse(parser!, x, batch))));
    if (asks.captions) {
      await withTensor(images, text!.side, async (x) => {
        const judged = await text!.judge(
          x,
          batch.map(({ caption }) => caption!),
        );
        overall.set(judged.overall, from);
        for (const [name, values] of judged.parts) {
          if (!parts.has(name)) parts.set(name, new Float64Array(n));
          parts.get(name)!.set(values, from);
        }
      });
    }
    if (originals !== undefined) {
      const inputs = await Promise.all(batch.map(({ original }) => decodeImage(original!)));
      // They may have another size than the edits, and one another.
      const alike = inputs.map((pixels) => scaled(pixels, images[0]!.width, images[0]!.height));
      await withTensor(alike, network.side, async (x) => {
        originals.set(await valuesOf(network.features(x)), from * network.width);
      });
    }
    onImage?.(Math.min(from + batchSize, n), n);
  }
  const conditions = Int32Array.from(entries, ({ condition }, i) => condition ?? i);
  const pairs = networks.pairs && (await pairDistances(entries, conditions, networks.pairs, signal));
  const table = (values: Float32Array): Features => ({ values, n, width: network.width });
  return {
    features: table(features),
    ...(asks.masks ? { confusions } : {}),
    ...(asks.captions ? { text: { overall, parts } } : {}),
    ...(originals === undefined ? {} : { identity: cosines(table(features), table(originals)) }),
    ...(pairs === undefined ? {} : { pairs }),
    conditions,
    size: { width: first!.pixels.width, height: first!.pixels.height },
  };
}

/** Mean distance of the pairs of samples, condition by condition. */
async function pairDistances(
  entries: readonly ImageEntry[],
  conditions: Int32Array,
  network: PairNetwork,
  signal?: AbortSignal,
): Promise<Map<number, number>> {
  const groups = new Map<number, string[]>();
  for (const [i, { path }] of entries.entries()) {
    groups.set(conditions[i]!, [...(groups.get(conditions[i]!) ?? []), path]);
  }
  const found = new Map<number, number>();
  for (const [condition, paths] of groups) {
    if (paths.length < 2) continue;
    signal?.throwIfAborted();
    const images = await Promise.all(paths.map((path) => decodeImage(path)));
    let [sum, count] = [0, 0];
    for (let i = 0; i + 1 < images.length; i++) {
      const rest = images.slice(i + 1);
      await withTensor(rest, undefined, (y) =>
        withTensor(
          rest.map(() => images[i]!),
          undefined,
          async (x) => {
            for (const distance of await valuesOf(network.distance(x, y))) sum += distance;
          },
        ),
      );
      count += rest.length;
    }
    found.set(condition, sum / count);
  }
  return found;
}

function checkCaption({ path, caption }: ImageEntry, check: (caption: string) => void): void {
  try {
    check(caption!);
  } catch (error) {
    throw new EvaluationError(
      `${path}: its caption cannot be judged (${error instanceof Error ? error.message : String(error)}); wanted one as 'codiff dataset synth' writes, or leave the captions out`,
    );
  }
}

async function parse(parser: FaceParser, x: tf.Tensor4D, batch: readonly ImageEntry[]): Promise<Confusion[]> {
  const labels = await valuesOf(parser.parse(x));
  const likenesses = await parsedLikenesses(parser, batch);
  const pixels = parser.side ** 2;
  const ofImage = (values: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> }, i: number) =>
    values.subarray(i * pixels, (i + 1) * pixels);
  return Promise.all(
    batch.map(async ({ mask }, i) => {
      const wanted = mask === undefined ? ofImage(likenesses!, i) : await readMaskAt(mask, parser.side);
      return confusionOf(wanted, ofImage(labels, i), parser.classes.length);
    }),
  );
}

/** Classes of the images that stand for masks, where any does [B, side * side]. */
async function parsedLikenesses(parser: FaceParser, batch: readonly ImageEntry[]) {
  if (batch.every(({ mask }) => mask !== undefined)) return undefined;
  const images = await Promise.all(batch.map(({ path, likeness }) => decodeImage(likeness ?? path)));
  let labels: Awaited<ReturnType<typeof valuesOf>> | undefined;
  await withTensor(images, parser.side, async (x) => {
    labels = await valuesOf(parser.parse(x));
  });
  return labels;
}

/** Class ids of a mask file, to the nearest pixel at a parser's side. */
async function readMaskAt(path: string, side: number): Promise<Uint8Array> {
  const mask: Pixels = path.endsWith('.pt')
    ? { width: MASK_SIDE, height: MASK_SIDE, channels: 1, values: labelsOf(await readOneHot(path)) }
    : await readMaskPng(path);
  return scaled(mask, side, side, 'nearest').values;
}

const scaled = (pixels: Pixels, width: number, height: number, filter: 'bicubic' | 'nearest' = 'bicubic'): Pixels =>
  resize(pixels, width, height, filter);

/** Images as a network takes them: in [-1,1], at its side. The tensor lives as long as the call. */
async function withTensor(
  images: readonly Pixels[],
  side: number | undefined,
  use: (x: tf.Tensor4D) => Promise<unknown>,
): Promise<void> {
  const alike = side === undefined ? images : images.map((pixels) => scaled(pixels, side, side));
  const { width, height } = alike[0]!;
  const values = new Float32Array(alike.length * width * height * 3);
  for (const [i, { values: bytes }] of alike.entries()) {
    const at = i * bytes.length;
    for (let k = 0; k < bytes.length; k++) values[at + k] = bytes[k]! / 127.5 - 1;
  }
  const x = tf.tensor4d(values, [alike.length, height, width, 3]);
  try {
    await use(x);
  } finally {
    x.dispose();
  }
}

/** Values of a tensor, which is freed. */
async function valuesOf(tensor: tf.Tensor): Promise<Float32Array | Int32Array> {
  const values = await tensor.data<'float32'>();
  tensor.dispose();
  return values;
}
