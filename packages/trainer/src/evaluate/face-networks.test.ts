import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, useEngine } from '@codiff/engine';
import { BiSeNet, InceptionV3, initParams, LPIPS, type ParamSpec, Params, Scope } from '@codiff/ldm-core';
import { saveParams } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classIndex } from '../data/classes.js';
import { clipJudge } from './clip-judge.js';
import { faceNetworks } from './face-networks.js';
import { faceParser } from './face-parser.js';

const folder = mkdtempSync(join(tmpdir(), 'codiff-face-networks-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => void (await useEngine({ device: 'cpu' })));

const specsOf = (make: (scope: Scope) => unknown) => {
  const scope = Scope.root();
  make(scope);
  return scope.specs;
};

/** Write seeded weights under the names that a published file has. @param rename null: leave the weight out */
async function publish(
  name: string,
  specs: ReadonlyMap<string, ParamSpec>,
  rename: (key: string) => string | null = (key) => key,
): Promise<void> {
  const params = initParams(specs, 3);
  const kept = [...specs].flatMap(([key, spec]) => {
    const as = rename(key);
    return as === null ? [] : [[as, { ...spec, key: as }, params.get(key)!] as const];
  });
  await saveParams(
    join(folder, name),
    new Params(kept.map(([key, , tensor]) => [key, tensor])),
    new Map(kept.map(([key, spec]) => [key, spec])),
    { format: 'torch', dtype: 'float16' },
  );
  params.dispose();
}

const wanted = { parser: true, text: true, pairs: true };

describe('faceNetworks', () => {
  it('wants the file of Inception', async () => {
    await expect(faceNetworks(folder, wanted, compile)).rejects.toThrow(
      /pt_inception-2015-12-05-6726825d\.pth is missing: Inception-v3 .* Put the file there under this name/,
    );
  });

  it('names each other file that is missing, and what is not measured', async () => {
    // Counters of training are in some versions of the file, and not needed.
    const inception = specsOf((scope) => new InceptionV3(scope));
    await publish('pt_inception-2015-12-05-6726825d.pth', inception, (key) => (key.endsWith('tracked') ? null : key));
    const networks = await faceNetworks(folder, wanted, compile);
    expect(networks.notes).toEqual([
      expect.stringMatching(/^mask_accuracy and mask_miou are not measured: .*79999_iter\.pth is missing/),
      expect.stringMatching(/^text_consistency is not measured: .*model\.safetensors is missing/),
      expect.stringMatching(/^diversity_lpips is not measured: .*vgg16\.pth is missing/),
    ]);
    const x = tf.zeros<tf.Rank.R4>([1, 64, 64, 3]);
    const features = networks.features.features(x);
    expect(features.shape).toEqual([1, 2048]);
    tf.dispose([x, features]);
    networks.dispose();
  });

  it('loads LPIPS from the published files: equal images have distance 0', async () => {
    const lpips = specsOf((scope) => new LPIPS(scope));
    await publish('vgg16.pth', lpips, (key) =>
      key.startsWith('net') ? key.replace(/^net\.slice\d/, 'features') : null,
    );
    await publish('lpips_vgg.pth', lpips, (key) => (key.startsWith('lin') ? key : null));
    const networks = await faceNetworks(folder, { parser: false, text: false, pairs: true }, compile);
    expect(networks.notes).toEqual([]);
    const [x, y] = [tf.zeros<tf.Rank.R4>([2, 32, 32, 3]), tf.ones<tf.Rank.R4>([2, 32, 32, 3])];
    const [same, other] = [networks.pairs!.distance(x, x), networks.pairs!.distance(x, y)];
    expect([...(await same.data())]).toEqual([0, 0]);
    expect((await other.data())[0]).not.toBe(0);
    tf.dispose([x, y, same, other]);
    networks.dispose();
  });
});

describe('faceParser', () => {
  it("gives our classes for the file's own order, and refuses other numbers of classes", async () => {
    const own = specsOf((scope) => new BiSeNet(scope, 19));
    // Only the head's class 2, the file's left brow, says anything: a bias in front of it, through the last norm.
    const only = new Map(
      [...own].map(([key, spec]): [string, ParamSpec] => {
        if (key === 'conv_out.conv.bn.bias') return [key, { ...spec, init: { kind: 'constant', value: 100 } }];
        if (key !== 'conv_out.conv_out.weight') return [key, spec];
        const values = Float32Array.from({ length: 256 * 19 }, (_, i) => (i % 19 === 2 ? 1 : 0));
        return [key, { ...spec, init: { kind: 'values', values } }];
      }),
    );
    await publish('79999_iter.pth', only);
    const parser = await faceParser(join(folder, '79999_iter.pth'), compile);
    const x = tf.zeros<tf.Rank.R4>([1, 64, 64, 3]);
    const labels = parser.parse(x);
    expect(new Set(await labels.data())).toEqual(new Set([classIndex('l_brow')]));
    tf.dispose([x, labels]);
    parser.dispose();
    await publish(
      'other.pth',
      specsOf((scope) => new BiSeNet(scope, 11)),
    );
    await expect(faceParser(join(folder, 'other.pth'), compile)).rejects.toThrow(/conv_out\.conv_out\.weight/);
  });
});

it('clipJudge refuses a file that is no tokenizer', async () => {
  mkdirSync(join(folder, 'clip'));
  writeFileSync(join(folder, 'clip/tokenizer.json'), '{"a": 1}');
  await expect(clipJudge('none', join(folder, 'clip/tokenizer.json'), compile)).rejects.toThrow('is no tokenizer');
});
