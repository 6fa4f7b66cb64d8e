import '@tensorflow/tfjs-backend-cpu';
import {
  bytesSource,
  type Checkpoint,
  CheckpointError,
  type CheckpointFormat,
  countNonFinite,
  describeCheckpoint,
  float32Values,
  loadParams,
  openCheckpoint,
  type ParamSpec,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { type CorpusFile, corpusOf } from './corpus.js';
import { mutateSafetensors, mutateZip } from './mutate-files.js';
import { mutateLegacy } from './mutate-legacy.js';
import { mutateValues } from './mutate-values.js';
import { anotherConfig } from './other-config.js';
import { FuzzRandom } from './random.js';

/** What a run of one format came to. */
export interface FuzzReport {
  readonly format: CheckpointFormat;
  readonly cases: number;
  /** Files whose weights were loaded, all finite. */
  readonly loaded: number;
  /** Files refused with a CheckpointError as they were opened or read. */
  readonly refused: number;
  /** Files that could be read, and were refused as weights: of another model, or not finite. */
  readonly unfit: number;
  /** Anything else: other errors, wrong weights, tensors left behind, cases over the time limit, memory over its limit. */
  readonly failures: readonly string[];
  readonly slowestMs: number;
  /** Growth of the process over its size at the start. */
  readonly peakGrowthBytes: number;
}

/** Longest a case may take, in processor time. */
const LIMIT_MS = 2000;
/** Most memory the process may gain over its size at the start: a file may describe 64 MiB beyond its size. */
const LIMIT_BYTES = 2 ** 30;

/** Formats in the order they run. */
export const FORMATS: readonly CheckpointFormat[] = ['torch-zip', 'torch-legacy', 'safetensors'];

/** Names that files come by: some say another format. */
const NAMES = ['fuzz', 'fuzz', 'fuzz', 'fuzz.ckpt', 'fuzz.safetensors'];

const MUTATORS: Readonly<Record<CheckpointFormat, (file: CorpusFile, random: FuzzRandom) => Uint8Array>> = {
  'torch-zip': ({ bytes }, random) => mutateZip(bytes, random),
  'torch-legacy': mutateLegacy,
  safetensors: ({ bytes }, random) => mutateSafetensors(bytes, random),
};

/** How a case ended, if as it should. */
type Outcome = 'loaded' | 'refused' | 'unfit';

/**
 * Read `count` mutated files of a format, as a program would: header, description, every tensor, and the weights of the
 * model that the sound file holds (or of another one).
 * @param first index of the first case, to repeat single ones
 */
export async function fuzzCheckpoints(
  format: CheckpointFormat,
  count: number,
  seed: number,
  first = 0,
): Promise<FuzzReport> {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const corpus = await corpusOf(format);
  const failures: string[] = [];
  const startBytes = process.memoryUsage().rss;
  const outcomes: Record<Outcome, number> = { loaded: 0, refused: 0, unfit: 0 };
  let cases = 0;
  let slowestMs = 0;
  let peakGrowthBytes = 0;
  for (let index = first; index < first + count; index++) {
    const random = FuzzRandom.of(seed, format, index);
    const tensors = tf.memory().numTensors;
    // Processor time, so that a busy machine does not fail the run.
    const start = process.cpuUsage();
    cases++;
    try {
      outcomes[await runCase(random.pick(corpus), format, random)]++;
    } catch (error) {
      failures.push(
        `${format} case ${index}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    const { user, system } = process.cpuUsage(start);
    const elapsed = (user + system) / 1000;
    slowestMs = Math.max(slowestMs, elapsed);
    if (elapsed > LIMIT_MS) failures.push(`${format} case ${index}: took ${Math.round(elapsed)} ms`);
    const left = tf.memory().numTensors - tensors;
    if (left > 0) failures.push(`${format} case ${index}: left ${left} tensors behind`);
    const growth = process.memoryUsage().rss - startBytes;
    peakGrowthBytes = Math.max(peakGrowthBytes, growth);
    if (growth > LIMIT_BYTES) {
      failures.push(`${format} case ${index}: the process grew by ${Math.round(growth / 2 ** 20)} MiB`);
      break;
    }
  }
  return { format, cases, ...outcomes, failures, slowestMs, peakGrowthBytes };
}

async function runCase(sound: CorpusFile, format: CheckpointFormat, random: FuzzRandom): Promise<Outcome> {
  const file = random.oneIn(8) ? mutateValues(sound, random) : MUTATORS[format](sound, random);
  const name = random.pick(NAMES);
  const refusal = (error: unknown, withKey: boolean): void => {
    if (!isProper(error, name) || (withKey && error.key === undefined)) throw error;
  };
  let checkpoint: Checkpoint;
  try {
    checkpoint = await openCheckpoint(bytesSource(name, file), { verify: random.oneIn(2) });
    describeCheckpoint(checkpoint);
    if (random.oneIn(2)) await readAll(checkpoint);
  } catch (error) {
    refusal(error, false);
    return 'refused';
  }
  const specs = random.oneIn(8) ? anotherConfig(sound.specs, random) : sound.specs;
  try {
    await loadAndCheck(checkpoint, specs, !random.oneIn(4));
    return 'loaded';
  } catch (error) {
    refusal(error, true);
    return 'unfit';
  }
}

/** Refusals say file, problem and what to do, in a message of sensible length. */
function isProper(error: unknown, name: string): error is CheckpointError {
  return (
    error instanceof CheckpointError &&
    error.file === name &&
    error.problem.length > 0 &&
    error.advice.length > 0 &&
    error.message.length < 20_000
  );
}

async function readAll(checkpoint: Checkpoint): Promise<void> {
  const scratch = new Uint8Array(4096);
  for (const [key, { dtype }] of checkpoint.tensors) {
    const bytes = await checkpoint.readBytes(key, scratch);
    float32Values(dtype, bytes);
  }
}

/** Load weights as a command does; what is loaded has the model's keys and shapes, and finite values only. */
async function loadAndCheck(
  checkpoint: Checkpoint,
  specs: ReadonlyMap<string, ParamSpec>,
  strict: boolean,
): Promise<void> {
  const { params } = await loadParams(specs, checkpoint, { strict });
  try {
    if (strict && params.size !== specs.size) throw new Error(`${params.size} of ${specs.size} keys were loaded`);
    for (const [key, tensor] of params) {
      const spec = specs.get(key);
      if (spec === undefined || spec.dtype !== tensor.dtype || spec.shape.join() !== tensor.shape.join()) {
        throw new Error(`'${key}' was loaded as ${tensor.dtype} [${tensor.shape}]`);
      }
      const values = await tensor.data();
      if (values instanceof Float32Array && countNonFinite(values) > 0) throw new Error(`'${key}' is not finite`);
    }
  } finally {
    params.dispose();
  }
}
