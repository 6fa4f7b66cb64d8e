import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ConfigTree, parseYamlFile } from '@codiff/ldm-core';

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The original's eight configs, by name. */
export const NAMES = ['vae', 'text', 'mask', 'codiff_mask_text'].flatMap((kind) => [`512_${kind}`, `256_${kind}`]);

/** A YAML file of the repository. */
export const readTree = (path: string): ConfigTree => parseYamlFile(readFileSync(`${ROOT}${path}`, 'utf8'), path);

/** One of the eight, with the configs that it names. */
export function readConfig(name: string): ConfigTree {
  const tree = readTree(`configs/${name}.yaml`);
  if (!name.includes('codiff')) return tree;
  const size = name.slice(0, 3);
  const linked = [`configs/${size}_mask.yaml`, `configs/${size}_text.yaml`];
  return { ...tree, model_files: Object.fromEntries(linked.map((path) => [path, readTree(path)])) };
}
