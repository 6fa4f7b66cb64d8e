import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codiffRegistry, composeRoles } from '@codiff/codiff';
import {
  buildModel,
  type Checkpoint,
  encodeValues,
  type MatchOptions,
  matchKeys,
  type ParamSpec,
  TensorToWrite,
} from '@codiff/ldm-core';
import { formatOf, loadConfig, openCheckpointFile, saveTensors } from '@codiff/ldm-core/node';
import { PretrainError } from './pretrain-error.js';
import { checkedRecords } from './shipped-record.js';
import { shippedFile } from './stage-table.js';

/** The text encoder's head over the vocabulary: declared, read by nothing, and not shipped. */
const UNREAD = /^cond_stage_model\.text_cond_stage_model\.transformer\.to_logits\./;

/**
 * Write the shipped collaborative model as one checkpoint: the dynamic diffusers, both branches, the first stage and the noise
 * schedule, under the original's names. `codiff generate` does without: it reads what a checkpoint lacks from the files that
 * its config names.
 * @param to a path ending in .ckpt or .safetensors @param place the repository, which is the working directory
 * @throws PretrainError if shipped files are missing or damaged, or do not belong together
 */
export async function assemble(
  to: string,
  { root, say }: { readonly root: string; readonly say: (line: string) => void },
): Promise<void> {
  formatOf(to);
  const records = await checkedRecords(root);
  const config = await loadConfig(shippedFile('codiff', 'yaml'), { registry: codiffRegistry, root });
  const { specs, startingPoints } = buildModel(config, composeRoles.collaborative, codiffRegistry);
  const open: Checkpoint[] = [];
  try {
    const tensors = new Map<string, TensorToWrite>();
    const sources: { file: string; options: MatchOptions }[] = [
      { file: shippedFile('codiff'), options: {} },
      // Where two hold a key, the one declared later gives it.
      ...[...startingPoints].reverse().map(({ file, ...options }) => ({ file, options })),
    ];
    for (const { file, options } of sources) {
      const checkpoint = await openCheckpointFile(join(root, file));
      open.push(checkpoint);
      const wanted = new Map([...specs].filter(([key]) => !tensors.has(key)));
      for (const [key, tensor] of tensorsOf(wanted, checkpoint, options)) tensors.set(key, tensor);
    }
    for (const [key, { init, shape }] of specs) {
      if (init.kind !== 'values') continue;
      const values = Float32Array.from(init.values);
      tensors.set(key, new TensorToWrite('float32', shape, async () => encodeValues('float32', values)));
    }
    const missing = [...specs.keys()].filter((key) => !tensors.has(key) && !UNREAD.test(key));
    if (missing.length > 0) {
      throw new PretrainError(
        `${missing.length} weights are in none of ${sources.map(({ file }) => file).join(', ')}, the first is '${missing[0]}'; do the stages again with --force`,
      );
    }
    await mkdir(dirname(to), { recursive: true });
    await saveTensors(to, tensors, { metadata: { license: 'Apache-2.0' } });
    const parameters = records.reduce((sum, { weights }) => sum + weights.parameters, 0);
    say(`${to}: ${tensors.size} tensors, of which ${parameters} trained numbers in float16`);
  } finally {
    for (const checkpoint of open) await checkpoint.close();
  }
}

/** What a file has of the wanted weights, copied byte for byte when its turn comes. @throws PretrainError for other shapes */
function tensorsOf(
  wanted: ReadonlyMap<string, ParamSpec>,
  checkpoint: Checkpoint,
  options: MatchOptions,
): Map<string, TensorToWrite> {
  const { report, sources } = matchKeys(wanted, checkpoint.file, checkpoint.tensors, options);
  const [other] = report.misshapen;
  if (other) throw new PretrainError(`${checkpoint.file}: '${other.key}' has another shape than the model's`);
  return new Map(
    [...sources].map(([key, { fileKey, tensor }]) => [
      key,
      new TensorToWrite(tensor.dtype, tensor.shape, () => checkpoint.readBytes(fileKey)),
    ]),
  );
}
