import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { dumpYaml } from '@codiff/ldm-core';
import { atomicWriteText } from '@codiff/ldm-core/node';
import { dataModuleOf } from '@codiff/trainer';
import { exportWeights } from './artefact.js';
import { curvesOf, medianSpeed, readLog } from './curves.js';
import { heldOutFigures } from './held-out-figures.js';
import { configOf, type EarlierRun } from './run-to-resume.js';
import { checkedRecord, type ShippedRecord, writeRecord } from './shipped-record.js';
import {
  commandLine,
  overridesOf,
  type PretrainStage,
  SHIPPED,
  type StageName,
  shippedFile,
  trainCommand,
  VALIDATION_BATCHES,
} from './stage-table.js';

/**
 * Turn a finished run into what ships: weights, config and record. The record is written last: a stage without one is not done.
 * @param root the repository, which is the working directory @param limit most held-out faces to measure by
 */
export async function shipStage(
  stage: PretrainStage,
  { folder, steps }: EarlierRun,
  { root, limit }: { readonly root: string; readonly limit: number },
): Promise<ShippedRecord> {
  const { name } = stage;
  await mkdir(dirname(join(root, shippedFile(name))), { recursive: true });
  const { lightning: _, ...config } = await configOf(stage, root);
  const weights = await exportWeights(name, join(root, folder, 'checkpoints/last.ckpt'), join(root, shippedFile(name)));
  await atomicWriteText(join(root, shippedFile(name, 'yaml')), `${headOf(stage)}${dumpYaml(config)}`);
  const log = await readLog(join(root, folder));
  const { libraryVersion } = await useEngine({ device: 'cpu', deterministic: true });
  const { batchSize } = dataModuleOf(config.data ?? {});
  const validated = VALIDATION_BATCHES * batchSize;
  const heldOut = await heldOutFigures(name, { root, log, validated, limit, sha256: weights.sha256 });
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const facts = log.sessions.at(-1)?.facts ?? {};
  const record: ShippedRecord = {
    version: 1,
    stage: name,
    command: commandLine(trainCommand(stage)),
    config: stage.config,
    overrides: overridesOf(stage),
    seed: stage.seed,
    steps,
    batchSize,
    precision: stage.precision,
    versions: { codiff: version, libtensorflow: libraryVersion, node: facts.node ?? process.version },
    machine: `${facts.processor ?? process.arch}, ${facts.cores ?? 'unknown'} cores`,
    seconds: Math.round(log.seconds),
    imagesPerSecond: medianSpeed(log),
    weights: { ...weights, dtype: 'float16' },
    inputs: await inputsOf(stage, root),
    curves: curvesOf(name, log),
    heldOut,
  };
  await writeRecord(root, record);
  return record;
}

/** SHA-256 of what the stage read. @throws PretrainError if any of it is missing or damaged */
export async function inputsOf({ needs }: PretrainStage, root: string): Promise<ShippedRecord['inputs']> {
  const inputs: Partial<Record<StageName, string>> = {};
  for (const need of needs) inputs[need] = (await checkedRecord(root, need)).weights.sha256;
  return inputs;
}

const headOf = ({ name, config }: PretrainStage): string =>
  `# ${config} as ${shippedFile(name)} was trained by it. Written by 'npm run demo:train -- ${name}'; see ${SHIPPED}/README.md.\n`;
