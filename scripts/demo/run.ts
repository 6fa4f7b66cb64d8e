import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { encodePng, watchSignals } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { codiffErrors } from './codiff-errors.js';
import { heldOutLoss } from './held-out.js';
import type { DemoOptions } from './options.js';
import { samplePicture } from './picture.js';
import { drawFaces, prepareFolder } from './prepare.js';
import { README_PICTURE, withNumbers } from './readme-numbers.js';
import { type DemoRecord, machineOf, readRecord, type Spent, type StageResult, writeRecord } from './record.js';
import { writeReport } from './report.js';
import { sampleHeldOut } from './sample.js';
import { heldOutOverrides, STAGES, type Stage, trainedModels } from './stages.js';
import { type LineScreen, StatusLine } from './status-line.js';
import { DemoStopped, trainStage } from './train-stage.js';
import { findings } from './verdict.js';

/** Where the demo is, and where it tells of itself. */
export interface DemoPlace {
  /** The repository. */
  readonly root: string;
  readonly screen: LineScreen;
}

/**
 * The demo, from where an earlier run of it stopped. Leaves the working directory in the demo's folder: it is laid out like
 * the repository, so that the configs' paths hold.
 * @returns exit code: 1 where a full run misses a limit
 * @throws DemoStopped after Ctrl-C, DemoUsageError for a folder that it cannot use
 */
export async function runDemo(options: DemoOptions, { root, screen }: DemoPlace): Promise<number> {
  const { out, mode } = options;
  const began = performance.now();
  const line = new StatusLine(screen);
  // Before anything is made or thrown away, what is there must be this very demo's.
  if (!options.force) readRecord(options);
  await prepareFolder(options);
  const earlier = readRecord(options);
  process.chdir(out);
  const secondsBefore = earlier?.seconds ?? 0;
  let record: DemoRecord = earlier ?? {
    version: 1,
    mode,
    faces: options.faces,
    heldOut: options.heldOut,
    configs: options.configs,
    steps: options.steps,
    machine: machineOf(),
    load: Math.round(10 * loadavg()[0]!) / 10,
    stages: {},
    seconds: 0,
  };
  const keep = async (more: Partial<DemoRecord>): Promise<void> => {
    record = { ...record, ...more, seconds: secondsBefore + (performance.now() - began) / 1000 };
    await writeRecord(out, record);
  };
  await keep({});
  line.done(`demo    ${out}, ${mode}`);
  await drawFaces(options.faces, line);

  tf.enableProdMode();
  // As `codiff train`: a run that was stopped goes on with the very same bits. Halves of a batch are computed side by side.
  const { branches } = await useEngine({ device: 'cpu', deterministic: true, branches: 2 });
  const requests = watchSignals();
  const goOn = (): void => {
    if (requests.stop.aborted) throw new DemoStopped('stopped; what is finished is kept');
  };
  const overrides = heldOutOverrides(options.heldOut);
  try {
    for (const stage of STAGES) {
      const steps = options.steps ?? (mode === 'quick' ? stage.quickSteps : null);
      let result = record.stages[stage.name];
      if (result === undefined) {
        const { running } = record;
        const before = running?.stage === stage.name ? running : { seconds: 0, cpuSeconds: 0 };
        const onSpent = (spent: Spent) => keep({ running: { stage: stage.name, ...spent } });
        result = await trainStage(stage, { steps, overrides, branches, line, requests, before, onSpent });
        await keep({ stages: { ...record.stages, [stage.name]: result } });
      }
      goOn();
      if (stage.name !== 'codiff' && result.heldOut === undefined) {
        line.show(`${stage.name.padEnd(7)} measuring on held-out faces`);
        result = { ...result, heldOut: await heldOutLoss({ ...stage, name: stage.name }, overrides) };
        await keep({ stages: { ...record.stages, [stage.name]: result } });
      }
      line.done(doneLine(stage, result));
      goOn();
    }
    const last = STAGES.at(-1)!;
    if (record.codiff === undefined) {
      line.show(`${last.name.padEnd(7)} measuring on held-out faces`);
      await keep({ codiff: await codiffErrors(last, overrides) });
    }
    goOn();
  } finally {
    requests.close();
  }

  const samples =
    record.samples ??
    (await sampleHeldOut(root, options.faces - options.heldOut, trainedModels(), (what) =>
      line.show(`images  from ${what}`),
    ));
  const picture = await encodePng(await samplePicture(samples));
  await writeFile('picture.png', picture);
  await keep({ samples });
  const judged = findings(record);
  await writeReport('report.html', record, { samples, picture: 'picture.png', findings: judged });
  line.done(`images  ${samples.rows.flatMap(({ images }) => images).length} images and the report`);
  line.done(`demo    ${(record.seconds / 60).toFixed(1)} minutes in all`);
  for (const { ok, text } of judged) line.done(`${ok ? 'ok    ' : options.standard ? 'MISSED' : '-     '}  ${text}`);
  line.done('');
  line.done(`report       ${join(out, 'report.html')}`);
  for (const { images } of samples.rows) line.done(`images       ${join(out, images[0]!, '..')}`);
  for (const { checkpoint } of STAGES) line.done(`checkpoint   ${join(out, checkpoint)}`);
  line.done(`measurements ${join(out, 'demo.json')}`);
  if (options.write) await writeReadme(root, record, picture);
  const missed = judged.filter(({ ok }) => !ok);
  if (!options.standard || missed.length === 0) return 0;
  line.done(
    `demo: ${missed.length} of ${judged.length} limits missed: ${missed.map(({ text }) => text.split(',')[0]).join('; ')}`,
  );
  return 1;
}

function doneLine({ name }: Stage, { steps, batchSize, seconds, imagesPerSecond, heldOut }: StageResult): string {
  const loss = heldOut ? `, held-out ${heldOut.name} ${heldOut.atStart.toFixed(4)} -> ${heldOut.atEnd.toFixed(4)}` : '';
  return `${name.padEnd(7)} ${steps} steps of ${batchSize} in ${seconds.toFixed(0)} s, ${imagesPerSecond.toFixed(1)} images/s${loss}`;
}

async function writeReadme(root: string, record: DemoRecord, picture: Uint8Array): Promise<void> {
  const path = join(root, 'README.md');
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(path, withNumbers(await readFile(path, 'utf8'), record, date));
  await mkdir(dirname(join(root, README_PICTURE)), { recursive: true });
  await writeFile(join(root, README_PICTURE), picture);
}
