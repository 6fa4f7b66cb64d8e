import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeImage,
  FACE_CLASSES,
  FaceDataset,
  type FaceDatasetOptions,
  type FaceItem,
  labelsOf,
  originalItem,
  readMaskPng,
  readOneHot,
  resize,
  seededDraws,
} from '@codiff/trainer';
import { z } from 'zod';
import type { HostTensor, HostValues } from '../cases/host-tensor.js';
import { describeProblems } from '../cases/problems.js';
import { readSafetensorsFile } from '../cases/safetensors-file.js';
import { compare } from '../compare/measure.js';
import type { OutputResult } from '../run/run-case.js';
import type { DataCheck } from './data-check.js';
import { same } from './lines.js';

const ItemFacts = z.strictObject({
  length: z.number(),
  names: z.array(z.string()),
  /** Of each part its shape, or the caption itself. */
  item1: z.record(z.string(), z.unknown()),
});

const Expected = z.strictObject({
  classes: z.array(z.string()),
  palette: z.array(z.array(z.number())),
  items: z.record(z.string().regex(/^(train|test)\[[a-z_+]*\]$/), ItemFacts),
  test_dataset_size: z.number(),
  notes: z.string(),
});

/** JPEG decoders may differ by two grey levels. */
const LEVELS = 2;

/** `expected.json`: a small data set on disk, and the items that the original's class makes of it. */
export const datasets: DataCheck = {
  name: 'dataset',
  file: 'expected.json',
  check: async (folder) => {
    const path = join(folder, 'expected.json');
    const parsed = Expected.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) throw new Error(describeProblems(parsed.error, path));
    const { classes, palette, items, test_dataset_size: testDatasetSize } = parsed.data;
    const stored = readSafetensorsFile(join(folder, 'expected.safetensors'));
    const lines = [
      same(
        'classes',
        FACE_CLASSES.map(({ name }) => name),
        classes,
      ),
      same(
        'palette',
        FACE_CLASSES.map(({ rgb }) => rgb),
        palette,
      ),
    ];
    for (const [name, facts] of Object.entries(items)) {
      const [, phase, asked] = /^(train|test)\[(.*)\]$/.exec(name)!;
      const conditions = asked === '' ? [] : asked!.split('+');
      const options = optionsOf(folder, phase === 'train' ? 'train' : 'test', conditions, testDatasetSize);
      const set = new FaceDataset(options);
      const item = await set.item(1, seededDraws(0));
      lines.push(
        same(`${name} length and names`, [set.length, set.names], [facts.length, facts.names]),
        same(`${name} item 1`, shapesOf(originalItem(item, conditions), set.size), facts.item1),
        ...compareItem(`${name} item 1`, item, set.size, stored, `${phase}.item1`),
      );
    }
    lines.push(...(await compareFiles(folder, stored)));
    return lines;
  },
};

/** The folder's paths: its name says nothing, and each kind of file has one subfolder. */
function optionsOf(
  folder: string,
  phase: 'train' | 'test',
  conditions: readonly string[],
  testDatasetSize: number,
): FaceDatasetOptions {
  const size = Number(/\d+/.exec(only(folder, 'image'))![0]);
  return {
    dataset: {
      phase,
      testDatasetSize,
      conditions: [...conditions],
      imageFolder: join(folder, 'image', only(folder, 'image')),
      textFile: join(folder, 'text', only(folder, 'text')),
      maskFolder: join(folder, 'mask', only(folder, 'mask')),
      sketchFolder: '',
    },
    preprocessor: { size, phase: phase === 'train' ? 'train' : 'val' },
  };
}

function only(folder: string, kind: string): string {
  const [name, ...more] = readdirSync(join(folder, kind));
  if (name === undefined || more.length > 0) throw new Error(`${join(folder, kind)}: one entry was wanted`);
  return name;
}

/** An item with shapes in place of its tensors. */
function shapesOf(value: unknown, size: number): unknown {
  if (value instanceof Float32Array) return [size, size, 3];
  if (value instanceof Int32Array) return [19, value.length / 19];
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shapesOf(part, size)]));
}

function compareItem(
  label: string,
  item: FaceItem,
  size: number,
  stored: ReadonlyMap<string, HostTensor>,
  prefix: string,
): OutputResult[] {
  const lines: OutputResult[] = [];
  const image = stored.get(`${prefix}.image`);
  if (image !== undefined)
    lines.push(near(`${label} image`, [size, size, 3], item.image, image, LEVELS / 127.5 + 1e-6));
  const mask = stored.get(`${prefix}.seg_mask`);
  if (mask !== undefined && item.segMask) lines.push(near(`${label} seg_mask`, [19, 1024], item.segMask, mask, 0));
  return lines;
}

/** Every image decoded, every mask tensor, and every mask PNG shrunk to 32 x 32 by nearest. */
async function compareFiles(folder: string, stored: ReadonlyMap<string, HostTensor>): Promise<OutputResult[]> {
  const lines: OutputResult[] = [];
  const images = join(folder, 'image', only(folder, 'image'));
  const masks = join(folder, 'mask', only(folder, 'mask'));
  const pictures = readdirSync(folder).find((name) => name.startsWith('mask_png_'));
  for (const [name, reference] of stored) {
    const [kind, stem] = name.split('.');
    if (kind === 'jpeg_decoded') {
      const { height, width, channels, values } = await decodeImage(join(images, `${stem}.jpg`));
      lines.push(near(name, [height, width, channels], Uint8Array.from(values), reference, LEVELS));
    } else if (kind === 'labels32') {
      const labels = labelsOf(await readOneHot(join(masks, `${stem}.pt`)));
      lines.push(near(name, [32, 32], Uint8Array.from(labels), reference, 0));
      if (pictures === undefined) continue;
      const small = resize(await readMaskPng(join(folder, pictures, `${stem}.png`)), 32, 32, 'nearest');
      lines.push(near(`${name} from PNG`, [32, 32], Uint8Array.from(small.values), reference, 0));
    }
  }
  return lines;
}

function near(output: string, shape: number[], values: HostValues, reference: HostTensor, limit: number): OutputResult {
  return { output, measure: 'abs', ...compare({ shape, values }, reference, { measure: 'abs', limit }) };
}
