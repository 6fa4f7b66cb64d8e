import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, useEngine } from '@codiff/engine';
import { confusionOf, pixelAccuracy, sumConfusions } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { FACE_CLASSES } from '../data/classes.js';
import { seededDraws } from '../data/draws.js';
import { writeCaption } from '../data/synth/caption.js';
import { drawingNetworks } from './drawing-networks.js';
import { drawnBatch, drawSet } from './drawn-set.js';
import { NETWORK_FILES } from './network-files.js';

const PRETRAINED = fileURLToPath(new URL('../../../../pretrained', import.meta.url));
/** Not that of the drawings that the networks were trained on, nor that of any data set here. */
const SEED = 31;
const FACES = 100;

it('the shipped networks of drawings fit 10 MB, and are as good as they have to be on drawings that nobody has seen', async () => {
  const files = [NETWORK_FILES.drawingParser, NETWORK_FILES.drawingClassifier];
  const bytes = files.reduce((sum, { name }) => sum + statSync(`${PRETRAINED}/${name}`).size, 0);
  expect(bytes).toBeLessThan(10e6);
  await useEngine({ device: 'cpu' });
  const drawings = await drawSet(SEED, FACES);
  const networks = await drawingNetworks(PRETRAINED, { parser: true, text: true }, compile);
  const rows = Array.from({ length: FACES }, (_, i) => i);
  const batch = drawnBatch(drawings, rows);
  const captions = drawings.facts.map((facts, i) =>
    writeCaption(facts, seededDraws(SEED, 'captions', i)).Beard_and_Age.toLowerCase(),
  );
  const labels = networks.parser!.parse(batch.images);
  const [found, wanted] = [await labels.data<'int32'>(), await batch.masks.data<'int32'>()];
  const accuracy = pixelAccuracy(sumConfusions([confusionOf(wanted, found, FACE_CLASSES.length)]));
  const { overall } = await networks.text!.judge(batch.images, captions);
  tf.dispose([labels, ...Object.values(batch)]);
  networks.dispose();
  expect(accuracy).toBeGreaterThanOrEqual(0.97);
  expect(overall.reduce((sum, value) => sum + value, 0) / FACES).toBeGreaterThanOrEqual(0.95);
});
