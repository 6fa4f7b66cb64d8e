import { initParams, LPIPS, type Params, Scope } from '@codiff/ldm-core';
import { loadStartingPoints } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { lpipsStarts } from '../run/perceptual-files.js';
import type { Compile } from '../steps/consume.js';
import { NetworkFileError } from './network-files.js';
import type { PairNetwork } from './networks.js';

/**
 * Load LPIPS (VGG16 and its heads) as a distance of two images.
 * @throws NetworkFileError if the files lack a weight
 */
export async function perceptualPairs(
  files: { readonly vgg16: string; readonly heads: string },
  compile: Compile,
): Promise<PairNetwork & { dispose(): void }> {
  const scope = Scope.root();
  const network = new LPIPS(scope);
  const loaded = await loadStartingPoints(scope.specs, lpipsStarts('', files));
  const lacking = [...scope.specs.values()].find(({ key, kind }) => kind === 'parameter' && !loaded.has(key));
  if (lacking !== undefined) {
    loaded.dispose();
    throw new NetworkFileError(
      `${files.vgg16} and ${files.heads} lack the weight '${lacking.key}'; wanted torchvision's VGG16 and the heads of LPIPS v0.1`,
    );
  }
  const weights = loaded.merge(initParams(scope.specs, 0, (key) => !loaded.has(key)));
  const distance = compile(
    (p: Params, x: tf.Tensor4D, y: tf.Tensor4D) => tf.reshape(network.forward(p, x, y), [-1]) as tf.Tensor1D,
    { name: 'lpips' },
  );
  return { name: 'LPIPS (VGG16)', distance: (x, y) => distance(weights, x, y), dispose: () => weights.dispose() };
}
