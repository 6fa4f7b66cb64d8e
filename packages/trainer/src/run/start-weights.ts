import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { initParams, type KeyReport, type ParamSpec, type Params, type StartingPoint } from '@codiff/ldm-core';
import { loadStartingPoints } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { TrainError } from '../train-error.js';
import { isPerceptual, PERCEPTUAL_FILES } from './perceptual-files.js';

/**
 * The weights that a fresh run begins with: what the files named by the config hold, and seeded draws for all else. Averages
 * that no file holds begin as the weights they average.
 * @param root folder that relative paths start from
 * @throws Error naming every file that is missing, before one is opened; CheckpointError for damaged ones
 */
export async function startWeights(
  specs: ReadonlyMap<string, ParamSpec>,
  startingPoints: readonly StartingPoint[],
  { seed, root, onReport }: { seed: number; root: string; onReport?: (report: KeyReport) => void },
): Promise<Params> {
  const missing = startingPoints.map(({ file }) => file).filter((file) => !existsSync(resolve(root, file)));
  if (missing.length > 0) {
    const perceptual = missing.some((file) => Object.values<string>(PERCEPTUAL_FILES).includes(file));
    throw new TrainError(
      `train: missing ${missing.join(', ')} (looked in ${resolve(root)}); put them there or name others in the config${perceptual ? '. These are the networks of the perceptual loss: perceptual_weight: 0 trains without' : ''}`,
    );
  }
  const loaded = await loadStartingPoints(specs, startingPoints, { root, ...(onReport ? { onReport } : {}) });
  const usesPerceptual = startingPoints.some(({ file }) => file === PERCEPTUAL_FILES.vgg16);
  const lacking = usesPerceptual ? [...specs.keys()].filter((key) => isPerceptual(key) && !loaded.has(key)) : [];
  if (lacking.length > 0) {
    loaded.dispose();
    throw new TrainError(
      `train: ${lacking.length} weights of the perceptual loss are in no file, the first is '${lacking[0]}'; ${PERCEPTUAL_FILES.vgg16} is torchvision's VGG16, ${PERCEPTUAL_FILES.heads} holds the heads of LPIPS v0.1`,
    );
  }
  const drawn = initParams(specs, seed, (key) => !loaded.has(key));
  const all = loaded.merge(drawn);
  for (const [key, { init }] of specs) {
    if (init.kind !== 'copy' || !drawn.has(key)) continue;
    drawn.get(key)!.dispose();
    // A real copy: a clone would share memory with weights that a compiled step overwrites.
    all.set(
      key,
      tf.tidy(() => tf.mul(all.of({ key: init.of.key }), 1)),
    );
  }
  return all;
}
