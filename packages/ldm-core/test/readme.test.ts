import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@codiff/engine';
import * as ldm from '@codiff/ldm-core';
import * as node from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from './parity-case.js';

const home = process.cwd();
let folder: string;
let lines: string[];

beforeAll(async () => {
  await useEngine({ device: 'cpu', deterministic: true });
  const readme = await readFile(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
  expect(blocks).toHaveLength(1);
  lines = blocks[0]!.trimEnd().split('\n');
  folder = await mkdtemp(join(tmpdir(), 'readme-'));
  process.chdir(folder);
  await mkdir('configs');
  await mkdir('pretrained');
  await writeFile('configs/512_text.yaml', await readFile(fixture('configs/tiny_text.yaml')));
});

afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

/** Run code with these modules, and give out its variables. */
function run(
  code: readonly string[],
  modules: Record<string, object>,
  names: string,
): Promise<Record<string, unknown>> {
  const body = code
    .map((line) => line.replace(/^import (\{.*\}) from '(.*)';$/, "const $1 = modules['$2'];"))
    .join('\n');
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  return AsyncFunction('modules', `${body}\nreturn { ${names} };`)(modules);
}

describe('the README', () => {
  it('goes from a config to an image in under ten lines', async () => {
    expect(lines.length).toBeLessThan(10);
    const config = await node.loadConfig('configs/512_text.yaml');
    const { specs } = ldm.buildModel(config, ldm.roles.latentDiffusion, ldm.ldmRegistry);
    // Layers that start as zeros would hide the text from the image.
    const drawn = [...specs].map(([key, spec]) => {
      const zero = spec.init.kind === 'constant' && spec.init.value === 0 && spec.shape.length > 1;
      return [key, zero ? { ...spec, init: ldm.normal(0, 0.05) } : spec] as const;
    });
    await node.initCheckpoint('pretrained/512_text.ckpt', new Map(drawn), 1);
    const modules = { '@codiff/ldm-core': ldm, '@codiff/ldm-core/node': node };
    const quick = lines.map((line) => line.replace('steps: 50', 'steps: 2'));
    expect(quick).not.toEqual(lines);
    const shown = async (text: string) => {
      const code = quick.map((line) => line.replace(/This man has beard[^']*/, text));
      expect(code).not.toEqual(quick);
      const { image, params, z } = await run(code, modules, 'image, params, z');
      expect((image as tf.Tensor).shape).toEqual([1, 64, 64, 3]);
      const values = await (image as tf.Tensor).data();
      tf.dispose([image as tf.Tensor, z as tf.Tensor]);
      (params as ldm.Params).dispose();
      return values;
    };
    const man = await shown('a man');
    const woman = await shown('a woman');
    expect(man.every(Number.isFinite)).toBe(true);
    expect(new Set(man).size).toBeGreaterThan(1000);
    expect(woman).not.toEqual(man);
    expect(await shown('a man')).toEqual(man);
  });

  it('names only what there is', async () => {
    const readme = await readFile(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
    const table = readme.slice(readme.indexOf('## Public API'), readme.indexOf('## Checkpoints'));
    const code = [...table.matchAll(/^\|[^|]*\|(.*)\|$/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)]);
    const names = code.flatMap(([, words]) => words!.split(' ')).filter((word) => /^[A-Za-z]\w*$/.test(word));
    const index = await Promise.all(
      ['index.ts', 'node/index.ts'].map((file) => readFile(new URL(`../src/${file}`, import.meta.url), 'utf8')),
    );
    const exported = new Set(index.join('\n').match(/\b[A-Za-z]\w*\b/g));
    expect(names.length).toBeGreaterThan(80);
    expect(names.filter((name) => !exported.has(name))).toEqual([]);
  });
});
