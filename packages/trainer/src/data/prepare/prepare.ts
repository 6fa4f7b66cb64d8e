import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CAPTION_KEY } from '../captions.js';
import { MASK_SIDE } from '../classes.js';
import { DataError, messageOf } from '../data-error.js';
import { decodeImage, encodePng } from '../decode-image.js';
import { seededDraws } from '../draws.js';
import { writeFolder } from '../folder-writer.js';
import { LAYOUT } from '../layout.js';
import { writeOneHot } from '../one-hot.js';
import { crop, type Pixels } from '../pixels.js';
import { preprocess } from '../preprocessor.js';
import { resize } from '../resize.js';
import { sketchOf } from '../sketch.js';
import { writeTensorFile } from '../tensor-file.js';
import { encodeMaskPng } from '../write-mask-png.js';
import { readCaptionFiles } from './caption-files.js';
import { listFiles, stemOf } from './list-files.js';
import { findMasks, type MaskSource } from './mask-source.js';

/** What {@link prepareDataset} is told. */
export interface PrepareOptions {
  /** Folder of images, JPEG or PNG; subfolders are looked into. */
  readonly images: string;
  /** See `findMasks`. */
  readonly masks?: string | undefined;
  /** See `readCaptionFiles`. */
  readonly captions?: string | undefined;
  /** Folder of pictures of sketches, one an image. */
  readonly sketches?: string | undefined;
  readonly out: string;
  /** Crop and resize images to this side, and write them as PNG; absent: copy them as they are. */
  readonly size?: number | undefined;
  /** Leave out samples that lack something or cannot be read; default: any of them stops the work. */
  readonly skipBad?: boolean | undefined;
  /** Told after each sample. */
  readonly onSample?: (done: number, of: number) => void;
}

/** What became of the samples. */
export interface PrepareReport {
  /** Written. */
  readonly samples: number;
  readonly maskForm: MaskSource['form'] | undefined;
  /** Left out: image file name and why. */
  readonly leftOut: readonly { readonly name: string; readonly problem: string }[];
}

/**
 * Turn data of plain forms into the training form (original, section 7). Samples are in the order of the captions, or in
 * natural order of the images where there are none. Masks go through the images' square crop, then to 32 x 32 by nearest.
 * The folder is there whole or not at all.
 * @throws DataError listing every bad sample, unless told to skip them
 */
export async function prepareDataset(options: PrepareOptions): Promise<PrepareReport> {
  const { out, size, skipBad = false } = options;
  if (size !== undefined && !(Number.isInteger(size) && size >= 8)) {
    throw new RangeError(`prepare: size is ${size}, a whole number from 8 on was wanted`);
  }
  const images = byUniqueStem(options.images, listFiles(options.images, ['.jpg', '.jpeg', '.png'], 'images'));
  const captions = options.captions === undefined ? undefined : readCaptionFiles(options.captions);
  const masks = options.masks === undefined ? undefined : findMasks(options.masks);
  const sketches =
    options.sketches === undefined
      ? undefined
      : byUniqueStem(options.sketches, listFiles(options.sketches, ['.png', '.jpg', '.jpeg'], 'sketches'));
  // Images without a caption come last, to be named among the bad samples.
  const stems = [...new Set([...(captions?.keys() ?? []), ...images.keys()])];
  const leftOut: { name: string; problem: string }[] = [];
  let samples = 0;
  await writeFolder(out, async (folder) => {
    const imageFolder = LAYOUT.image(size ?? 'original');
    const parts = [imageFolder, 'text', ...(masks ? [LAYOUT.mask, LAYOUT.maskPng('original')] : [])];
    for (const part of [...parts, ...(sketches ? [LAYOUT.sketch] : [])]) {
      await mkdir(join(folder, part), { recursive: true });
    }
    const entries: [string, string][] = [];
    for (const [i, stem] of stems.entries()) {
      const path = images.get(stem);
      const name = path === undefined ? stem : size === undefined ? basename(path) : `${stem}.png`;
      try {
        if (path === undefined) throw new Error(`has a caption, but no image in ${options.images}`);
        if (masks?.has(stem) === false) throw new Error(`no mask in ${options.masks}`);
        if (sketches?.has(stem) === false) throw new Error(`no sketch in ${options.sketches}`);
        if (captions && !captions.get(stem)) throw new Error(`no caption in ${options.captions}`);
        const image = await decodeImage(path);
        // Read everything before anything is written.
        const mask = masks && (await masks.read(stem));
        if (mask) checkShapes(image, mask, size);
        const sketch = sketches && (await decodeImage(sketches.get(stem)!));
        await writeImage(join(folder, imageFolder, name), path, image, size);
        if (mask) {
          const square = squareOf(mask);
          await writeFile(join(folder, LAYOUT.maskPng('original'), `${stem}.png`), encodeMaskPng(square));
          await writeOneHot(
            join(folder, LAYOUT.mask, `${stem}.pt`),
            resize(square, MASK_SIDE, MASK_SIDE, 'nearest').values,
          );
        }
        if (sketch) await writeSketch(join(folder, LAYOUT.sketch, `${stem}.pt`), sketch);
        entries.push([name, captions?.get(stem) ?? '']);
        samples++;
      } catch (error) {
        leftOut.push({ name: path === undefined ? stem : basename(path), problem: messageOf(error) });
      }
      options.onSample?.(i + 1, stems.length);
    }
    if (samples === 0 || (leftOut.length > 0 && !skipBad)) throw badSamples(options.images, leftOut, stems.length);
    const json = Object.fromEntries(entries.map(([name, caption]) => [name, { [CAPTION_KEY]: caption }]));
    await writeFile(join(folder, LAYOUT.text), `${JSON.stringify(json, null, 1)}\n`);
  });
  return { samples, maskForm: masks?.form, leftOut };
}

function byUniqueStem(folder: string, files: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of files) {
    const twin = found.get(stemOf(path));
    if (twin !== undefined) {
      const problem = `'${path}' and '${twin}' have the same name up to the first dot`;
      throw new DataError({ file: folder, problem, advice: 'rename one: masks and captions are found by it' });
    }
    found.set(stemOf(path), path);
  }
  return found;
}

/** A mask must lie over its image: the same aspect, and square where images stay as they are. */
function checkShapes(image: Pixels, mask: Pixels, size: number | undefined): void {
  // A rounded side is off by half a pixel of the smaller picture.
  const slack = Math.max(image.width / mask.width, image.height / mask.height, 1);
  if (Math.abs(image.width - (mask.width * image.height) / mask.height) > slack) {
    throw new Error(
      `image of ${image.width} x ${image.height}, mask of ${mask.width} x ${mask.height}: another aspect`,
    );
  }
  if (size === undefined && image.width !== image.height) {
    throw new Error(
      `image of ${image.width} x ${image.height} is not square; give --size to crop image and mask alike`,
    );
  }
}

/** The square that validation's crop takes, at the mask's own size. */
function squareOf(mask: Pixels): Pixels {
  const side = Math.min(mask.width, mask.height);
  return crop(mask, Math.floor((mask.height - side) / 2), Math.floor((mask.width - side) / 2), side, side);
}

async function writeImage(to: string, from: string, image: Pixels, size: number | undefined): Promise<void> {
  if (size === undefined) return copyFile(from, to);
  // Validation draws nothing.
  return writeFile(to, await encodePng(preprocess(image, { size, phase: 'val' }, seededDraws(0))));
}

async function writeSketch(to: string, picture: Pixels): Promise<void> {
  const sketch = sketchOf(picture);
  return writeTensorFile(to, 'float32', [1, sketch.length], new Uint8Array(sketch.buffer));
}

function badSamples(file: string, bad: readonly { name: string; problem: string }[], of: number): DataError {
  const list = bad
    .slice(0, 20)
    .map(({ name, problem }) => `\n  ${name}: ${problem}`)
    .join('');
  const more = bad.length > 20 ? `\n  and ${bad.length - 20} more` : '';
  return new DataError({
    file,
    problem: `${bad.length} of ${of} samples cannot be used`,
    advice: `correct them, or give --skip-bad to leave them out:${list}${more}`,
  });
}
