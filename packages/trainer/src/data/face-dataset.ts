import { join } from 'node:path';
import type { DatasetConfig, PreprocessorConfig } from '../config/data-configs.js';
import { readCaptions } from './captions.js';
import { DataError } from './data-error.js';
import { resolveDataPath } from './dataset-paths.js';
import { decodeImage } from './decode-image.js';
import type { Draws } from './draws.js';
import { readOneHot } from './one-hot.js';
import { preprocess } from './preprocessor.js';
import { readSketch } from './sketch.js';

/** What a data set holds beside images. Other names of a config load nothing. */
export const conditionNames = ['text', 'seg_mask', 'sketch'] as const;
/** A name from {@link conditionNames}. */
export type ConditionName = (typeof conditionNames)[number];

/** One sample. Conditions are there as the config asks for them. */
export interface FaceItem {
  /** File name of the image. */
  readonly name: string;
  /** [H,W,3], -1 to 1. */
  readonly image: Float32Array<ArrayBuffer>;
  readonly text?: string;
  /** One-hot, [19,1024]. */
  readonly segMask?: Int32Array<ArrayBuffer>;
  /** [1,1024]. */
  readonly sketch?: Float32Array<ArrayBuffer>;
}

/** An item as the original's data set returns it: one condition at top level, none or several in a dictionary. */
export type OriginalItem =
  | { readonly image: FaceItem['image']; readonly conditions: Readonly<Record<string, unknown>> }
  | { readonly image: FaceItem['image']; readonly [key: string]: unknown };

/** A data set's config with its preprocessor's, both with defaults applied. Plain data: it can be sent to a worker. */
export interface FaceDatasetOptions {
  readonly dataset: Omit<DatasetConfig, 'imPreprocessorConfig'>;
  readonly preprocessor: Pick<PreprocessorConfig, 'size' | 'phase'>;
  /** false: images are not read, and items have none. Default true. */
  readonly images?: boolean;
}

/**
 * Faces with their conditions: `CelebAConditionalDataset` of the original (section 7). Constructing it reads the captions,
 * whose key order is the sample order, and looks for every folder; files of samples are read by {@link item}.
 * @throws DataError for missing folders and empty splits
 */
export class FaceDataset {
  /** Image file names of the split, in sample order. */
  readonly names: readonly string[];
  readonly conditions: readonly ConditionName[];
  private readonly captions: ReadonlyMap<string, string>;
  private readonly imageFolder: string;
  private readonly maskFolder: string;
  private readonly sketchFolder: string;

  /** @param captions where they have been read already */
  constructor(
    private readonly options: FaceDatasetOptions,
    captions?: ReadonlyMap<string, string>,
  ) {
    const { dataset } = options;
    this.conditions = conditionNames.filter((name) => dataset.conditions.includes(name));
    this.imageFolder = resolveDataPath(dataset.imageFolder, 'image_folder');
    const wants = (name: ConditionName) => this.conditions.includes(name);
    this.maskFolder = wants('seg_mask') ? resolveDataPath(dataset.maskFolder, 'mask_folder') : '';
    this.sketchFolder = wants('sketch') ? resolveDataPath(dataset.sketchFolder, 'sketch_folder') : '';
    const file = resolveDataPath(dataset.textFile, 'text_file');
    this.captions = captions ?? readCaptions(file);
    this.names = split([...this.captions.keys()], dataset.phase, dataset.testDatasetSize);
    if (this.names.length > 0) return;
    const problem = `${this.captions.size} samples, of which the last ${dataset.testDatasetSize} are for test: none is left for phase '${dataset.phase}'`;
    throw new DataError({ file, problem, advice: 'set test_dataset_size to less than the number of samples, above 0' });
  }

  get length(): number {
    return this.names.length;
  }

  /** Side of the images that come out. */
  get size(): number {
    return this.options.preprocessor.size;
  }

  /** Paths of a sample's files. */
  filesOf(name: string): { image: string; mask?: string; sketch?: string } {
    // Everything from the first dot on is the ending: `a.b.jpg` has the mask `a.pt`.
    const stem = name.split('.')[0]!;
    return {
      image: join(this.imageFolder, name),
      ...(this.maskFolder === '' ? {} : { mask: join(this.maskFolder, `${stem}.pt`) }),
      ...(this.sketchFolder === '' ? {} : { sketch: join(this.sketchFolder, `${stem}.pt`) }),
    };
  }

  /** The caption of an image, where texts are a condition. */
  captionOf(name: string): string | undefined {
    return this.conditions.includes('text') ? this.captions.get(name) : undefined;
  }

  private async image(file: string, draws: Draws, refuseRandomCrop: boolean): Promise<Float32Array<ArrayBuffer>> {
    const { preprocessor } = this.options;
    const decoded = await decodeImage(file);
    const { height, width } = decoded;
    const { size, phase } = preprocessor;
    if (refuseRandomCrop && phase === 'train' && !(height === size && width === size)) {
      throw new RangeError(
        `${file} is ${width}x${height}, so training crops it at random to ${size}x${size}, another way each epoch: its latents cannot be kept; prepare the data with --size ${size}, or set data.cache_latents: false`,
      );
    }
    return toUnit(preprocess(decoded, preprocessor, draws).values);
  }

  /**
   * Read, decode and preprocess one sample.
   * @param draws the random numbers of train preprocessing
   * @param options `refuseRandomCrop`: throw a RangeError for an image that training would crop by its draws
   * @throws DataError naming the file that is missing or damaged
   */
  async item(index: number, draws: Draws, { refuseRandomCrop = false } = {}): Promise<FaceItem> {
    const name = this.names[index];
    if (name === undefined) throw new RangeError(`item ${index} of ${this.length}`);
    const files = this.filesOf(name);
    const image =
      this.options.images === false ? new Float32Array() : await this.image(files.image, draws, refuseRandomCrop);
    const text = this.captionOf(name);
    return {
      name,
      image,
      ...(text === undefined ? {} : { text }),
      ...(files.mask === undefined ? {} : { segMask: await readOneHot(files.mask) }),
      ...(files.sketch === undefined ? {} : { sketch: await readSketch(files.sketch) }),
    };
  }
}

/** 0..255 to -1..1 in float32 arithmetic, as the original computes it. */
const UNIT = Float32Array.from({ length: 256 }, (_, value) => Math.fround(Math.fround(value / 127.5) - 1));

function toUnit(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = UNIT[bytes[i]!]!;
  return values;
}

/** The original's split: the last `testSize` names are for test. With 0 it leaves nothing to train on, and tests on all. */
function split(names: string[], phase: DatasetConfig['phase'], testSize: number): string[] {
  // Python's slices [:-n] and [-n:].
  const at = testSize === 0 ? 0 : Math.max(names.length - testSize, 0);
  return phase === 'train' ? names.slice(0, at) : names.slice(at);
}

/**
 * An item in the original's form. Any name that the config lists counts for "one condition", known or not.
 * @param asked the config's `conditions`
 */
export function originalItem(item: FaceItem, asked: readonly string[]): OriginalItem {
  const { image, text, segMask, sketch } = item;
  const known = { text, seg_mask: segMask, sketch };
  const held = Object.entries(known).filter(([, value]) => value !== undefined);
  if (asked.length !== 1) return { image, conditions: Object.fromEntries(held) };
  return { image, ...Object.fromEntries(held.map(([key, value]) => [key === 'text' ? 'caption' : key, value])) };
}
