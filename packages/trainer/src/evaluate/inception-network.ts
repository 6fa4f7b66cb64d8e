import { InceptionV3, loadParams, type Params, Scope } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import type * as tf from '@tensorflow/tfjs-core';
import type { Compile } from '../steps/consume.js';
import { NETWORK_FILES, networkFile } from './network-files.js';
import type { FeatureNetwork } from './networks.js';

/** Counters that training kept; files of both old and new PyTorch fit without. */
const COUNTERS = /\.num_batches_tracked$/;

/**
 * Load Inception-v3 as the Frechet inception distance has it.
 * @param folder of weights: `pretrained`
 * @throws NetworkFileError if its file is missing; CheckpointError or CheckpointMismatch if it is another's
 */
export async function inceptionNetwork(
  folder: string,
  compile: Compile,
): Promise<FeatureNetwork & { dispose(): void }> {
  const scope = Scope.root();
  const network = new InceptionV3(scope);
  const specs = new Map([...scope.specs].filter(([key]) => !COUNTERS.test(key)));
  const checkpoint = await openCheckpointFile(networkFile(NETWORK_FILES.inception, folder));
  let weights: Params;
  try {
    weights = (await loadParams(specs, checkpoint, { drop: [COUNTERS] })).params;
  } finally {
    await checkpoint.close();
  }
  const features = compile((p: Params, x: tf.Tensor4D) => network.features(p, x), { name: 'inception' });
  return {
    name: 'inception-v3',
    width: network.width,
    features: (x) => features(weights, x),
    dispose: () => weights.dispose(),
  };
}
