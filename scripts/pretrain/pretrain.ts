import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DRAWINGS, drawCommand, drawDrawings } from './drawings.js';
import { writeModelCard } from './model-card.js';
import type { PretrainOptions } from './options.js';
import { checkSameScale } from './same-scale.js';
import { inputsOf, shipStage } from './ship-stage.js';
import { checkedRecord, foreignInput, readRecord, type ShippedRecord } from './shipped-record.js';
import {
  commandLine,
  PRETRAIN_STAGES,
  type PretrainStage,
  type StageName,
  shippedFile,
  trainCommand,
} from './stage-table.js';
import { finishRun } from './train-run.js';

/** Where the trainings are done, and where they tell of it. */
export interface PretrainPlace {
  /** The repository, which is the working directory. */
  readonly root: string;
  /** Takes a line. */
  readonly say: (line: string) => void;
  /** Other trainings than those that ship, for tests. */
  readonly stages?: readonly PretrainStage[];
}

/**
 * Do the stages that are asked for and are not done.
 * @throws PretrainStopped after Ctrl-C, PretrainError for what the user can mend
 */
export async function pretrain(
  options: PretrainOptions,
  { root, say, stages = PRETRAIN_STAGES }: PretrainPlace,
): Promise<void> {
  const stageOf = (name: StageName): PretrainStage => stages.find((stage) => stage.name === name)!;
  const { steps, force, print, limit } = options;
  if (print) {
    for (const step of steps) say(commandLine(step === 'data' ? drawCommand() : trainCommand(stageOf(step))));
    return;
  }
  for (const step of steps) {
    if (step === 'data') {
      await drawn(root, say);
      continue;
    }
    const stage = stageOf(step);
    const anew = force.includes(step);
    if (!anew && (await isDone(stage, root, say))) continue;
    // What it reads must be there before hours are spent.
    await inputsOf(stage, root);
    if (step === 'codiff') await checkSameScale(root);
    await drawn(root, say);
    // A forced stage that is stopped is not done, so that the plain command goes on with it.
    if (anew)
      for (const ending of ['json', 'safetensors'] as const)
        await rm(join(root, shippedFile(step, ending)), { force: true });
    const run = await finishRun(stage, { root, anew, say });
    say(`${step}: measuring on held-out faces`);
    const record = await shipStage(stage, run, { root, limit });
    await writeModelCard(root);
    say(`${step}: ${shippedFile(step)}, ${summary(record)}`);
  }
}

async function drawn(root: string, say: (line: string) => void): Promise<void> {
  const { faces, root: folder } = DRAWINGS;
  if (await drawDrawings(root, (done) => void (done % 1000 === 0 && say(`data: ${done} of ${faces} faces drawn`)))) {
    say(`data: ${faces} faces drawn into ${folder}`);
  }
}

/** @throws PretrainError where a stage's artefact is damaged, or was made from others than those that are there */
async function isDone(stage: PretrainStage, root: string, say: (line: string) => void): Promise<boolean> {
  const { name } = stage;
  if ((await readRecord(root, name)) === null) return false;
  const record = await checkedRecord(root, name);
  const inputs = await inputsOf(stage, root);
  const other = (Object.keys(inputs) as StageName[]).find((need) => inputs[need] !== record.inputs[need]);
  if (other !== undefined) throw foreignInput(name, other);
  say(`${name}: ${shippedFile(name)} is there, ${summary(record)}`);
  return true;
}

const summary = ({ weights, heldOut }: ShippedRecord): string =>
  [
    `${(weights.bytes / 1e6).toFixed(2)} MB`,
    ...heldOut.map(({ name, value, n }) => `${name} ${value} (${n} faces)`),
  ].join(', ');
