import type { Params } from '@codiff/ldm-core';
import { loadParams } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { FACE_CLASSES } from '../data/classes.js';
import { parseCaption } from '../data/synth/caption.js';
import type { Compile } from '../steps/consume.js';
import { ATTRIBUTES, attributeNames, DrawingClassifier } from './drawing-classifier.js';
import { DRAWING_SIDE, DrawingParser } from './drawing-parser.js';
import { NETWORK_FILES, NetworkFileError, networkFile } from './network-files.js';
import type { EvaluationNetworks, FaceParser, FeatureNetwork, TextJudge } from './networks.js';

/** Which networks an evaluation needs besides the features'. */
export interface WantedNetworks {
  /** Masks are given. */
  readonly parser: boolean;
  /** Captions are given. */
  readonly text: boolean;
  /** There are several samples of a condition. */
  readonly pairs: boolean;
}

/**
 * Load the networks of drawn faces, 64x64: the classifier, whose features distances are of, and the parser where masks are given.
 * @param folder of weights: `pretrained`
 * @throws NetworkFileError naming the file that is missing, or is for other classes
 */
export async function drawingNetworks(
  folder: string,
  { parser: wantsParser, text: wantsText }: Pick<WantedNetworks, 'parser' | 'text'>,
  compile: Compile,
): Promise<EvaluationNetworks> {
  const classifier = new DrawingClassifier();
  const classifierFile = networkFile(NETWORK_FILES.drawingClassifier, folder);
  const parserFile = wantsParser ? networkFile(NETWORK_FILES.drawingParser, folder) : undefined;
  const loaded: Params[] = [];
  const load = async (path: string, specs: DrawingParser['specs'], check: Check): Promise<Params> => {
    const params = await loadNetwork(path, specs, check);
    loaded.push(params);
    return params;
  };
  try {
    const weights = await load(classifierFile, classifier.specs, checkAttributes);
    const features = compile((p: Params, x: tf.Tensor4D) => classifier.features(p, x), { name: 'drawing features' });
    const network: FeatureNetwork = {
      name: 'drawing classifier',
      width: classifier.width,
      side: DRAWING_SIDE,
      features: (x) => features(weights, x),
    };
    return {
      features: network,
      text: wantsText ? drawingJudge(classifier, weights, compile) : undefined,
      parser: parserFile === undefined ? undefined : await drawingParser(parserFile, load, compile),
      dispose: () => {
        for (const params of loaded) params.dispose();
      },
    };
  } catch (error) {
    for (const params of loaded) params.dispose();
    throw error;
  }
}

/** Looks at what a file says of itself. */
type Check = (path: string, metadata: ReadonlyMap<string, string>) => void;

async function loadNetwork(path: string, specs: DrawingParser['specs'], check: Check): Promise<Params> {
  const checkpoint = await openCheckpointFile(path);
  try {
    check(path, checkpoint.metadata);
    return (await loadParams(specs, checkpoint)).params;
  } finally {
    await checkpoint.close();
  }
}

/** Whether a parser is for the classes of our masks. @throws NetworkFileError where it is for others */
export function checkClasses(path: string, metadata: ReadonlyMap<string, string>): void {
  const wanted = FACE_CLASSES.map(({ name }) => name);
  const found = metadata.get('classes')?.split(',') ?? [];
  if (found.join() === wanted.join()) return;
  const at = wanted.findIndex((name, i) => name !== found[i]);
  const differs = at < 0 ? '' : `, class ${at} is '${found[at] ?? 'none'}' instead of '${wanted[at]}'`;
  throw new NetworkFileError(
    `${path} is a parser for other classes: it names ${found.length}${differs}; wanted the ${wanted.length} of the masks: ${wanted.join(', ')}`,
  );
}

function checkAttributes(path: string, metadata: ReadonlyMap<string, string>): void {
  if (metadata.get('attributes') === JSON.stringify(ATTRIBUTES)) return;
  throw new NetworkFileError(
    `${path} is a classifier of other attributes: ${metadata.get('attributes') ?? 'it names none'}; wanted ${JSON.stringify(ATTRIBUTES)}`,
  );
}

async function drawingParser(
  path: string,
  load: (path: string, specs: DrawingParser['specs'], check: Check) => Promise<Params>,
  compile: Compile,
): Promise<FaceParser> {
  const parser = new DrawingParser();
  const weights = await load(path, parser.specs, checkClasses);
  const parse = compile((p: Params, x: tf.Tensor4D) => parser.parse(p, x), { name: 'parse' });
  const classes = FACE_CLASSES.map(({ name }) => name);
  return { name: 'drawing parser', classes, side: DRAWING_SIDE, parse: (x) => parse(weights, x) };
}

function drawingJudge(classifier: DrawingClassifier, weights: Params, compile: Compile): TextJudge {
  const choose = compile(
    (p: Params, x: tf.Tensor4D) => {
      const { gender, age, beard } = classifier.logits(p, x);
      return { gender: tf.argMax(gender, 1), age: tf.argMax(age, 1), beard: tf.argMax(beard, 1) };
    },
    { name: 'classify' },
  );
  return {
    name: 'drawing classifier',
    side: DRAWING_SIDE,
    checkCaption: (caption) => void parseCaption(caption),
    async judge(x, captions) {
      const chosen = choose(weights, x);
      const parts = new Map<string, Float64Array>();
      for (const name of attributeNames) {
        const words: readonly string[] = ATTRIBUTES[name];
        const indices = await chosen[name].data<'int32'>();
        const right = captions.map((caption, i) => (words[indices[i]!] === parseCaption(caption)[name] ? 1 : 0));
        parts.set(name, Float64Array.from(right));
      }
      tf.dispose(Object.values(chosen));
      const overall = Float64Array.from(captions, (_, i) => {
        const sum = attributeNames.reduce((total, name) => total + parts.get(name)![i]!, 0);
        return sum / attributeNames.length;
      });
      return { overall, parts };
    },
  };
}
