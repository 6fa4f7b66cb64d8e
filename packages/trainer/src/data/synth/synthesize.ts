import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { FACE_CLASSES, MASK_SIDE } from '../classes.js';
import { seededDraws } from '../draws.js';
import { writeFolder } from '../folder-writer.js';
import { LAYOUT } from '../layout.js';
import { writeOneHot } from '../one-hot.js';
import { resize } from '../resize.js';
import { writeTensorFile } from '../tensor-file.js';
import { encodeMaskPng } from '../write-mask-png.js';
import { type Caption, writeCaption } from './caption.js';
import { drawFacts, type FaceFacts } from './facts.js';
import { layersOf } from './layers.js';
import { paintImage, paintMask, paintSketch } from './paint.js';

/** What {@link synthesize} is told. */
export interface SynthOptions {
  /** How many faces. */
  readonly n: number;
  /** Side of the images in pixels; at least 32, the side of the mask condition. */
  readonly size: number;
  readonly seed: number;
  /** Number of the first face, default 0: faces `first` .. `first + n - 1`, which are the same as in a larger set, files' names too. */
  readonly first?: number;
  readonly out: string;
  /** Told after each face. */
  readonly onFace?: (done: number) => void;
}

/** What a set of drawn faces holds; also written as `synth.json`. */
export interface SynthSummary {
  readonly n: number;
  readonly size: number;
  readonly seed: number;
  /** Class name -> number of images it occurs in. */
  readonly classes: Readonly<Record<string, number>>;
  /** Classes of section 7 that no image has. */
  readonly absent: readonly string[];
}

/**
 * Draw a data set of faces in the original's on-disk form: images (JPEG), one-hot masks and sketches as tensors, captions;
 * besides, the masks as palette PNGs, and the facts of each face (`facts.json`). The same options give the same bytes. The
 * folder is there whole or not at all.
 * @throws DataError if `out` holds anything; RangeError for sizes that cannot be drawn
 */
export async function synthesize({ n, size, seed, first = 0, out, onFace }: SynthOptions): Promise<SynthSummary> {
  if (!(Number.isInteger(n) && n > 0)) throw new RangeError(`synth: n is ${n}, a positive whole number was wanted`);
  if (!(Number.isInteger(size) && size >= MASK_SIDE && size <= 2048)) {
    throw new RangeError(`synth: size is ${size}, a whole number from ${MASK_SIDE} to 2048 was wanted`);
  }
  if (!(Number.isInteger(first) && first >= 0)) {
    throw new RangeError(`synth: the first face is ${first}, a whole number of at least 0 was wanted`);
  }
  const counts = new Int32Array(FACE_CLASSES.length);
  let summary: SynthSummary | undefined;
  await writeFolder(out, async (folder) => {
    const folders = [LAYOUT.image(size), 'text', LAYOUT.mask, LAYOUT.sketch, LAYOUT.maskPng(size)];
    for (const part of folders) await mkdir(join(folder, part), { recursive: true });
    const facts = Array.from({ length: n }, (_, i) => drawFacts(seed, first + i));
    const captions: Record<string, Caption> = {};
    for (const [i, fact] of facts.entries()) {
      captions[`${first + i}.jpg`] = writeCaption(fact, seededDraws(seed, 'caption', first + i));
    }
    let next = 0;
    let done = 0;
    const draw = async (): Promise<void> => {
      for (let i = next++; i < n; i = next++) {
        const mask = await writeFace(folder, facts[i]!, first + i, size);
        for (const id of new Set(mask)) counts[id]!++;
        onFace?.(++done);
      }
    };
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), 8) }, draw));
    const classes = Object.fromEntries(FACE_CLASSES.map(({ name }, id) => [name, counts[id]!]));
    summary = { n, size, seed, classes, absent: Object.keys(classes).filter((name) => classes[name] === 0) };
    await writeFile(join(folder, LAYOUT.text), `${JSON.stringify(captions, null, 1)}\n`);
    await writeFile(join(folder, 'facts.json'), `${JSON.stringify(facts.map(captionFacts))}\n`);
    await writeFile(join(folder, 'synth.json'), `${JSON.stringify(summary, null, 1)}\n`);
  });
  return summary!;
}

const captionFacts = ({ gender, age, beard, hat, glasses }: FaceFacts) => ({ gender, age, beard, hat, glasses });

/** Draw and write one face. @returns its class ids */
async function writeFace(folder: string, facts: FaceFacts, index: number, size: number): Promise<Uint8Array> {
  const layers = layersOf(facts);
  const image = await paintImage(facts, layers, size);
  const mask = await paintMask(facts, layers, size);
  const sketch = await paintSketch(facts, layers, MASK_SIDE);
  const raw = { width: size, height: size, channels: 3 } as const;
  const jpeg = await sharp(image.values, { raw }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
  await writeFile(join(folder, LAYOUT.image(size), `${index}.jpg`), jpeg);
  await writeFile(join(folder, LAYOUT.maskPng(size), `${index}.png`), encodeMaskPng(mask));
  const small = resize(mask, MASK_SIDE, MASK_SIDE, 'nearest');
  await writeOneHot(join(folder, LAYOUT.mask, `${index}.pt`), small.values);
  const grey = Float32Array.from(sketch.values, (value) => value / 255);
  const bytes = new Uint8Array(grey.buffer);
  await writeTensorFile(join(folder, LAYOUT.sketch, `${index}.pt`), 'float32', [1, MASK_SIDE * MASK_SIDE], bytes);
  return mask.values;
}
