import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { DatasetConfig } from '../config/data-configs.js';
import { readCaptions } from '../data/captions.js';
import { FaceDataset, type FaceDatasetOptions } from '../data/face-dataset.js';
import { findFolders, LAYOUT } from '../data/layout.js';
import { EvaluationError } from './evaluation-error.js';
import { type ImageEntry, listImages } from './image-set.js';

/** A face that no model was trained on, with what its data set tells of it. */
export interface HeldOutFace {
  /** File name without its ending: what images of it are matched by. */
  readonly stem: string;
  readonly image: string;
  /** In lower case. */
  readonly caption: string;
  /** The one-hot tensor that models read. */
  readonly condition?: string;
  /** What parsed images are compared with: the mask at the images' size where the set has one, else the tensor. */
  readonly mask?: string;
}

/**
 * The held-out faces of a data set.
 * @param data the options of its test split, or the root of a data set, of which all are taken
 * @throws DataError for missing parts
 */
export function heldOutFaces(data: string | FaceDatasetOptions): HeldOutFace[] {
  const { dataset } = typeof data === 'string' ? rootOptions(data) : data;
  const root = dirname(dirname(dataset.imageFolder));
  // A config of texts alone names no masks, but they may lie beside the images, and its model is measured by them too.
  const maskFolder = dataset.conditions.includes('seg_mask')
    ? dataset.maskFolder
    : [dataset.maskFolder, join(root, LAYOUT.mask)].find((folder) => folder !== '' && existsSync(folder));
  const conditions = maskFolder === undefined ? ['text'] : ['text', 'seg_mask'];
  const faces = new FaceDataset({
    dataset: { ...dataset, conditions, maskFolder: maskFolder ?? '' },
    preprocessor: { size: 0, phase: 'val' },
  });
  const pictures = maskPictures(root);
  return faces.names.map((name) => {
    const { image, mask: condition } = faces.filesOf(name);
    const stem = name.split('.')[0]!;
    const picture = pictures === undefined ? undefined : join(pictures, `${stem}.png`);
    const mask = picture !== undefined && existsSync(picture) ? picture : condition;
    return {
      stem,
      image,
      caption: faces.captionOf(name)!,
      ...(condition === undefined ? {} : { condition }),
      ...(mask === undefined ? {} : { mask }),
    };
  });
}

function rootOptions(root: string): Pick<FaceDatasetOptions, 'dataset'> {
  const { maskFolder = '', sketchFolder = '', ...folders } = findFolders(root);
  const { imPreprocessorConfig: _, ...defaults } = DatasetConfig.parse({ imPreprocessorConfig: { target: '' } });
  const conditions = maskFolder === '' ? ['text'] : ['text', 'seg_mask'];
  return {
    dataset: { ...defaults, ...folders, maskFolder, sketchFolder, conditions, phase: 'test', testDatasetSize: 0 },
  };
}

/** The masks as pictures, which lie beside `image/` in sets that were made here. */
function maskPictures(root: string): string | undefined {
  const names = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith('mask_png')) : [];
  return names.length === 1 ? join(root, names[0]!) : undefined;
}

/** What a folder of images is evaluated with. Paths. */
export interface FolderInputs {
  readonly images: string;
  /** Masks of the images' names. */
  readonly masks?: string | undefined;
  /** Captions by the images' names: the original's JSON. */
  readonly captions?: string | undefined;
  /** Images of the same names that these are edits of. */
  readonly originals?: string | undefined;
  /** Images of the same names, parsed where there are no masks. */
  readonly likenesses?: string | undefined;
  /** Faces of a data set, for masks and captions of the images' names. */
  readonly faces?: readonly HeldOutFace[] | undefined;
}

/**
 * The images of a folder with what belongs to them. Files belong together whose names are equal but for the ending, or but for a
 * number at the end: `12_0.png` and `12_1.png` are two samples of the mask `12.png`.
 * @throws EvaluationError naming the images that lack a mask, a caption or an original while such are given
 */
export function folderEntries({ images, masks, captions, originals, likenesses, faces }: FolderInputs): ImageEntry[] {
  const paths = listImages(images, '--images');
  const maskOf = masks === undefined ? undefined : filesByStem(masks, '--masks');
  const captionOf = captions === undefined ? undefined : captionsByStem(captions);
  const originalOf = originals === undefined ? undefined : filesByStem(originals, '--originals');
  const faceOf = faces && new Map(faces.map((face) => [face.stem, face]));
  const likenessOf = likenesses === undefined ? undefined : filesByStem(likenesses, '--reference');
  // Likenesses and faces are a reference in any case: names that differ make no error, but nothing of them is compared.
  const areLike = likenessOf !== undefined && paths.every((path) => found(likenessOf, path) !== undefined);
  const areFaces = faceOf !== undefined && paths.every((path) => found(faceOf, path) !== undefined);
  const numbers = new Map<string, number>();
  return paths.map((path) => {
    const face = areFaces ? found(faceOf, path) : undefined;
    const mask = needed(maskOf, path, '--masks', masks) ?? face?.mask;
    const caption = needed(captionOf, path, '--captions', captions) ?? face?.caption;
    const original = needed(originalOf, path, '--originals', originals);
    const likeness = areLike && mask === undefined ? found(likenessOf, path) : undefined;
    // Samples of one condition are known by their names, where anything was found by them.
    const group = [maskOf, captionOf, areFaces ? faceOf : undefined].find((map) => map !== undefined);
    const key = group === undefined ? path : keyIn(group, path)!;
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return {
      path,
      condition: numbers.get(key)!,
      ...(mask === undefined ? {} : { mask }),
      ...(caption === undefined ? {} : { caption }),
      ...(original === undefined ? {} : { original }),
      ...(likeness === undefined ? {} : { likeness }),
    };
  });
}

const stemOf = (path: string): string => basename(path, extname(path));

/** The name under which a map holds an image: its own, or that before a number at its end. */
function keyIn(map: ReadonlyMap<string, unknown>, path: string): string | undefined {
  const stem = stemOf(path);
  return [stem, stem.replace(/_\d+$/, '')].find((key) => map.has(key));
}

function found<T>(map: ReadonlyMap<string, T>, path: string): T | undefined {
  const key = keyIn(map, path);
  return key === undefined ? undefined : map.get(key);
}

function needed<T>(map: ReadonlyMap<string, T> | undefined, path: string, flag: string, place?: string): T | undefined {
  if (map === undefined) return undefined;
  const value = found(map, path);
  if (value !== undefined) return value;
  throw new EvaluationError(
    `${flag}: ${place} has nothing for ${path}; wanted the name '${stemOf(path)}' there for every image of --images`,
  );
}

const filesByStem = (folder: string, flag: string): Map<string, string> =>
  new Map(listImages(folder, flag).map((path) => [stemOf(path), path]));

const captionsByStem = (file: string): Map<string, string> =>
  new Map([...readCaptions(file)].map(([name, caption]) => [name.split('.')[0]!, caption]));
