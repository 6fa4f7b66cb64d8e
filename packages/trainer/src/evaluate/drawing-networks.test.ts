import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, useEngine } from '@codiff/engine';
import { initParams } from '@codiff/ldm-core';
import { saveParams } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DrawingClassifier } from './drawing-classifier.js';
import { drawingNetworks } from './drawing-networks.js';
import { DrawingParser } from './drawing-parser.js';
import { drawnBatch, drawSet } from './drawn-set.js';
import { inceptionNetwork } from './inception-network.js';
import { EVALUATOR_TRAINING, PARSER_METADATA, trainEvaluator } from './train-evaluators.js';

const folder = mkdtempSync(join(tmpdir(), 'codiff-evaluators-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => void (await useEngine({ device: 'cpu' })));

const size = (specs: DrawingParser['specs']) =>
  [...specs.values()].reduce((sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, 1), 0);

it('both networks fit 10 MB in float16', () => {
  expect(2 * (size(new DrawingParser().specs) + size(new DrawingClassifier().specs))).toBeLessThan(10e6);
});

describe('training', () => {
  it('lowers the loss, and writes files that an evaluation reads', async () => {
    const [drawings, heldOut] = [await drawSet(5, 24), await drawSet(6, 12)];
    expect(drawings.images).not.toEqual((await drawSet(6, 24)).images);
    mkdirSync(join(folder, 'evaluators'));
    for (const name of ['parser', 'classifier'] as const) {
      const losses: number[] = [];
      const { accuracy, n } = await trainEvaluator(name, join(folder, `evaluators/drawing_${name}.safetensors`), {
        drawings,
        heldOut,
        training: {
          ...EVALUATOR_TRAINING[name],
          steps: 40,
          batchSize: 4,
          seed: 1,
          compile,
          onStep: (_, loss) => losses.push(loss),
        },
      });
      expect(losses).toHaveLength(2);
      expect(losses[1]).toBeLessThan(losses[0]!);
      expect(n).toBe(12);
      expect(accuracy).toBeGreaterThan(name === 'parser' ? 0.3 : 0.1);
    }
    const networks = await drawingNetworks(folder, { parser: true, text: true }, compile);
    const batch = drawnBatch(heldOut, [0, 1, 2]);
    const [features, labels] = [networks.features.features(batch.images), networks.parser!.parse(batch.images)];
    expect(features.shape).toEqual([3, 128]);
    expect(labels.shape).toEqual([3, 64, 64]);
    const captions = [
      'he has no beard at all. he is a teen.',
      'his beard is short. he is very old.',
      'there is no beard. she is in her forties.',
    ];
    const { overall, parts } = await networks.text!.judge(batch.images, captions);
    expect([...parts.keys()]).toEqual(['gender', 'age', 'beard']);
    for (const [i, value] of overall.entries()) {
      expect(value).toBeCloseTo([...parts.values()].reduce((sum, each) => sum + each[i]!, 0) / 3, 12);
    }
    expect(() => networks.text!.checkCaption('a cat')).toThrow('does not tell');
    tf.dispose([features, labels, ...Object.values(batch)]);
    networks.dispose();
  });
});

describe('files', () => {
  it('that are missing are named, with the place where they go', async () => {
    const empty = join(folder, 'none');
    await expect(drawingNetworks(empty, { parser: true, text: true }, compile)).rejects.toThrow(
      `${join(empty, 'evaluators/drawing_classifier.safetensors')} is missing`,
    );
    await expect(inceptionNetwork(empty, compile)).rejects.toThrow(
      /pt_inception-2015-12-05-6726825d\.pth is missing: Inception-v3 .* Put the file there/,
    );
  });

  it('a parser for other classes is refused', async () => {
    const { specs } = new DrawingParser();
    const params = initParams(specs, 1);
    const path = join(folder, 'evaluators/drawing_parser.safetensors');
    const classes = PARSER_METADATA.classes.replace('nose,eye_g', 'eye_g,nose');
    await saveParams(path, params, specs, { metadata: { ...PARSER_METADATA, classes } });
    params.dispose();
    await expect(drawingNetworks(folder, { parser: true, text: false }, compile)).rejects.toThrow(
      "is a parser for other classes: it names 19, class 2 is 'eye_g' instead of 'nose'",
    );
  });
});
