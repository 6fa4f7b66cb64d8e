import { readFileSync } from 'node:fs';
import {
  BufferSink,
  bytesSource,
  CheckpointError,
  type CheckpointFormat,
  describeCheckpoint,
  encodeValues,
  float32Values,
  openCheckpoint,
  TensorToWrite,
  writeSafetensors,
  writeTorchZip,
} from '@codiff/ldm-core';
import { mutateLegacy, mutateSafetensors, mutateZip } from './mutate-files.js';
import { FuzzRandom } from './random.js';

/** What a run of one format came to. */
export interface FuzzReport {
  readonly format: CheckpointFormat;
  readonly cases: number;
  /** Files that could still be read to the end. */
  readonly readable: number;
  /** Files refused with a CheckpointError. */
  readonly refused: number;
  /** Anything else: other errors, cases over the time limit, memory over its limit. */
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

const MUTATORS = { 'torch-zip': mutateZip, 'torch-legacy': mutateLegacy, safetensors: mutateSafetensors };

/**
 * Read `count` mutated files of a format, as a program would: header, description, every tensor.
 * @param first index of the first case, to repeat single ones
 */
export async function fuzzCheckpoints(
  format: CheckpointFormat,
  count: number,
  seed: number,
  first = 0,
): Promise<FuzzReport> {
  const corpus = await corpusOf(format);
  const failures: string[] = [];
  const startBytes = process.memoryUsage().rss;
  let readable = 0;
  let refused = 0;
  let slowestMs = 0;
  let peakGrowthBytes = 0;
  for (let index = first; index < first + count; index++) {
    const random = FuzzRandom.of(seed, format, index);
    const file = MUTATORS[format](random.pick(corpus), random);
    // Processor time, so that a busy machine does not fail the run.
    const start = process.cpuUsage();
    try {
      await readAll(file, random.oneIn(2));
      readable++;
    } catch (error) {
      if (isProper(error)) refused++;
      else
        failures.push(
          `${format} case ${index}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
    }
    const { user, system } = process.cpuUsage(start);
    const elapsed = (user + system) / 1000;
    slowestMs = Math.max(slowestMs, elapsed);
    if (elapsed > LIMIT_MS) failures.push(`${format} case ${index}: took ${Math.round(elapsed)} ms`);
    const growth = process.memoryUsage().rss - startBytes;
    peakGrowthBytes = Math.max(peakGrowthBytes, growth);
    if (growth > LIMIT_BYTES) {
      failures.push(`${format} case ${index}: the process grew by ${Math.round(growth / 2 ** 20)} MiB`);
      break;
    }
  }
  return { format, cases: readable + refused, readable, refused, failures, slowestMs, peakGrowthBytes };
}

/** Refusals say file, problem and what to do, in a message of sensible length. */
function isProper(error: unknown): boolean {
  return (
    error instanceof CheckpointError &&
    error.file === 'fuzz' &&
    error.problem.length > 0 &&
    error.advice.length > 0 &&
    error.message.length < 20_000
  );
}

async function readAll(file: Uint8Array, verify: boolean): Promise<void> {
  const checkpoint = await openCheckpoint(bytesSource('fuzz', file), { verify });
  describeCheckpoint(checkpoint);
  const scratch = new Uint8Array(4096);
  for (const [key, { dtype }] of checkpoint.tensors) {
    const bytes = await checkpoint.readBytes(key, scratch);
    float32Values(dtype, bytes);
  }
}

/** Sound files to start from: small ones of PyTorch and of our own writers. */
async function corpusOf(format: CheckpointFormat): Promise<Uint8Array[]> {
  const fixtures = new URL('../../packages/parity/fixtures/checkpoint/', import.meta.url);
  const peers = new URL('../../packages/ldm-core/test/checkpoints/', import.meta.url);
  if (format === 'torch-legacy') return [load(fixtures, 'odd_legacy.ckpt'), load(peers, 'legacy.ckpt')];
  const tensors = ownTensors();
  const sink = new BufferSink();
  if (format === 'safetensors') {
    await writeSafetensors(sink, tensors, { note: 'fuzz', config: '{"a": 1}' });
    return [sink.bytes()];
  }
  await writeTorchZip(sink, { epoch: 3, lr: 1e-4, state_dict: tensors, callbacks: [], name: 'fuzz' });
  const torch = [
    load(fixtures, 'odd.ckpt'),
    load(peers, 'protocol4.pth'),
    load(peers, 'protocol5.ckpt'),
    load(peers, 'mask.pt'),
  ];
  return [...torch, sink.bytes()];
}

function load(folder: URL, name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, folder)));
}

function ownTensors(): Map<string, TensorToWrite> {
  const values = Float32Array.from({ length: 24 }, (_, i) => i);
  const dtypes = ['float32', 'float16', 'bfloat16', 'float64', 'int64', 'uint8'] as const;
  return new Map(
    dtypes.map((dtype) => [
      `layer.${dtype}.weight`,
      new TensorToWrite(dtype, [2, 3, 4], async () => encodeValues(dtype, values)),
    ]),
  );
}
