import { readdirSync } from 'node:fs';
import { readCaptions } from '../captions.js';
import { DataError, messageOf } from '../data-error.js';
import { resolveDataPath } from '../dataset-paths.js';
import { decodeImage } from '../decode-image.js';
import { FaceDataset, type FaceDatasetOptions } from '../face-dataset.js';
import { checkShape, labelsOf, readOneHot } from '../one-hot.js';
import type { Pixels } from '../pixels.js';
import { readTensorFile } from '../tensor-file.js';

/** What can be wrong with a sample. */
export const sampleFaults = ['missing', 'unreadable', 'wrong size', 'class out of range', 'caption absent'] as const;
/** A name from {@link sampleFaults}. */
export type SampleFault = (typeof sampleFaults)[number];

/** One thing wrong with one sample. */
export interface BadSample {
  readonly name: string;
  readonly fault: SampleFault;
  readonly file: string;
  readonly problem: string;
}

/** What a check found. */
export interface DatasetReport {
  /** Entries of the captions that were read: what training sees. */
  readonly samples: number;
  readonly bad: readonly BadSample[];
}

/** A sample as far as it could be read, for a contact sheet. */
export interface SeenSample {
  readonly name: string;
  readonly image: Pixels | undefined;
  /** Class ids [32,32,1]; undefined without or with a bad mask. */
  readonly mask: Pixels | undefined;
}

/**
 * Read every sample of a data set and say what is wrong with it.
 * @param options all conditions named are checked; test and train alike
 * @param size the side that images should have; undefined: any, since training crops and resizes
 * @param onSample told of each sample as it was read
 * @throws DataError where the data set as a whole cannot be found
 */
export async function checkDataset(
  options: FaceDatasetOptions['dataset'],
  size?: number,
  onSample?: (seen: SeenSample, isBad: boolean, done: number, of: number) => void,
): Promise<DatasetReport> {
  const bad: BadSample[] = [];
  const textFile = resolveDataPath(options.textFile, 'text_file');
  const noCaption = (name: string, problem: string) =>
    bad.push({ name, fault: 'caption absent', file: textFile, problem });
  const captions = readCaptions(textFile, noCaption);
  // Size 0 and phase test give every sample, in order.
  const dataset = { ...options, phase: 'test', testDatasetSize: 0 } as const;
  const set = new FaceDataset({ dataset, preprocessor: { size: 1, phase: 'val' } }, captions);
  for (const [i, name] of set.names.entries()) {
    const files = set.filesOf(name);
    const before = bad.length;
    const note = (fault: SampleFault, file: string, problem: string) => bad.push({ name, fault, file, problem });
    const image = await attempt(() => decodeImage(files.image), files.image, note);
    if (image && size !== undefined && (image.width !== size || image.height !== size)) {
      note('wrong size', files.image, `${image.width} x ${image.height} pixels, ${size} x ${size} were wanted`);
    }
    const { mask: maskFile, sketch } = files;
    const mask = maskFile && (await attempt(() => readOneHot(maskFile), maskFile, note));
    if (sketch) await attempt(async () => checkShape(sketch, await readTensorFile(sketch), [1, 1024]), sketch, note);
    if (set.conditions.includes('text') && (captions.get(name) ?? '').trim() === '') {
      noCaption(name, `'${name}' has an empty caption`);
    }
    const labels = mask ? { height: 32, width: 32, channels: 1, values: labelsOf(mask) } : undefined;
    onSample?.({ name, image, mask: labels }, bad.length > before, i + 1, set.length);
  }
  const known = new Set([...set.names, ...bad.map(({ name }) => name)]);
  for (const name of readdirSync(resolveDataPath(options.imageFolder, 'image_folder'))) {
    if (!/\.(jpe?g|png)$/i.test(name) || known.has(name)) continue;
    noCaption(name, `'${name}' is among the images and not among the captions, so nothing reads it`);
  }
  return { samples: set.length, bad };
}

async function attempt<T>(
  read: () => Promise<T>,
  file: string,
  note: (fault: SampleFault, file: string, problem: string) => void,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const problem = error instanceof DataError ? error.problem : messageOf(error);
    note(faultOf(problem), file, problem);
    return undefined;
  }
}

function faultOf(problem: string): SampleFault {
  if (problem.startsWith('no such')) return 'missing';
  if (problem.includes('one-hot')) return 'class out of range';
  return problem.startsWith('a tensor of shape') ? 'wrong size' : 'unreadable';
}
