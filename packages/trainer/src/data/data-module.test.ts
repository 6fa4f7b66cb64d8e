import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isTree, parseYamlFile } from '@codiff/ldm-core';
import { expect, it } from 'vitest';
import { dataModuleOf } from './data-module.js';

const read = (name: string) => {
  const path = fileURLToPath(new URL(`../../../parity/fixtures/configs/${name}.yaml`, import.meta.url));
  const { data } = parseYamlFile(readFileSync(path, 'utf8'), name);
  if (!isTree(data)) throw new Error('no data');
  return data;
};

it('gives the data sets of a config with the defaults applied', () => {
  const { batchSize, train, validation, test, predict, numWorkers } = dataModuleOf(read('tiny_mask'));
  expect([batchSize, test, predict, numWorkers]).toEqual([2, undefined, undefined, null]);
  expect(train).toMatchObject({
    dataset: { phase: 'train', testDatasetSize: 2, conditions: ['seg_mask'], imageFolder: 'dataset/image/image_64' },
    preprocessor: { size: 64, phase: 'train' },
  });
  expect(train!.dataset.sketchFolder).toBe('datasets/sketch/sketch_1x1024_tensor');
  expect(validation).toMatchObject({ dataset: { phase: 'test' }, preprocessor: { phase: 'val' } });
  // Plain data: it goes to reading threads as it is.
  expect(structuredClone(train)).toEqual(train);
});

it('says what is wrong with it', () => {
  const data = read('tiny_mask');
  const params = { ...(data.params as object), batch_size: 0 };
  expect(() => dataModuleOf({ ...data, params })).toThrow(/params\.batch_size: .*wanted a positive whole number/);
});
