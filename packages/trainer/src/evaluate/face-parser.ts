import { BiSeNet, loadParams, type Params, Scope } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { classIndex, FACE_CLASSES } from '../data/classes.js';
import type { Compile } from '../steps/consume.js';
import type { FaceParser } from './networks.js';

/** The classes of the public face parser in its own order. */
const ORDER = [
  'background',
  'skin',
  'l_brow',
  'r_brow',
  'l_eye',
  'r_eye',
  'eye_g',
  'l_ear',
  'r_ear',
  'ear_r',
  'nose',
  'mouth',
  'u_lip',
  'l_lip',
  'neck',
  'neck_l',
  'cloth',
  'hair',
  'hat',
] as const;

/** Side at which it was trained. */
const SIDE = 512;
/** Counters that training kept. */
const COUNTERS = /\.num_batches_tracked$/;

/**
 * Load the parser of photographs; its classes come out in our order.
 * @throws CheckpointMismatch for the weights of another network, or for another number of classes
 */
export async function faceParser(path: string, compile: Compile): Promise<FaceParser & { dispose(): void }> {
  const scope = Scope.root();
  const network = new BiSeNet(scope, FACE_CLASSES.length);
  const specs = new Map([...scope.specs].filter(([key]) => !COUNTERS.test(key)));
  const checkpoint = await openCheckpointFile(path);
  let weights: Params;
  try {
    weights = (await loadParams(specs, checkpoint, { drop: [COUNTERS] })).params;
  } finally {
    await checkpoint.close();
  }
  const parse = compile(
    (p: Params, x: tf.Tensor4D) => {
      const ours = tf.tensor1d(ORDER.map(classIndex), 'int32');
      return tf.gather<tf.Tensor>(ours, network.parse(p, x)) as tf.Tensor3D;
    },
    { name: 'parse faces' },
  );
  return {
    name: 'BiSeNet',
    classes: FACE_CLASSES.map(({ name }) => name),
    side: SIDE,
    parse: (x) => parse(weights, x),
    dispose: () => weights.dispose(),
  };
}
