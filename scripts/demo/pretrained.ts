import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@codiff/trainer';
import { checkedRecords } from '../pretrain/shipped-record.js';
import { shippedFile } from '../pretrain/stage-table.js';
import type { DemoOptions } from './options.js';
import { samplePicture } from './picture.js';
import { drawFaces, prepareFolder } from './prepare.js';
import { type DemoRecord, machineOf, readRecord, writeRecord } from './record.js';
import { writePretrainedReport } from './report.js';
import type { DemoPlace } from './run.js';
import { sampleHeldOut } from './sample.js';
import type { DemoModels } from './stages.js';
import { StatusLine } from './status-line.js';

const modelOf = (stage: keyof DemoModels) => ({ config: shippedFile(stage, 'yaml'), checkpoint: shippedFile(stage) });
const SHIPPED_MODELS: DemoModels = { text: modelOf('text'), mask: modelOf('mask'), codiff: modelOf('codiff') };

/**
 * The demo without its training: images from the mask and the text of a face that no model was trained on, made with the
 * weights that ship. Leaves the working directory in the demo's folder, which is laid out like the repository.
 * @throws PretrainError if weights are missing or damaged; DemoUsageError for a folder that it cannot use
 */
export async function runPretrained(options: DemoOptions, { root, screen }: DemoPlace): Promise<void> {
  const began = performance.now();
  const line = new StatusLine(screen);
  // Before anything is made or thrown away.
  const shipped = await checkedRecords(root);
  if (!options.force) readRecord(options);
  const load = Math.round(10 * loadavg()[0]!) / 10;
  await prepareFolder(options);
  const { out, faces } = options;
  process.chdir(out);
  line.done(`demo    ${out}, pretrained`);
  await drawFaces(faces, line);
  const samples = await sampleHeldOut(root, faces - 1, SHIPPED_MODELS, (what) => line.show(`images  from ${what}`));
  const picture = await encodePng(await samplePicture(samples));
  await writeFile('picture.png', picture);
  const record: DemoRecord = {
    version: 1,
    mode: options.mode,
    faces,
    heldOut: options.heldOut,
    configs: options.configs,
    steps: options.steps,
    machine: machineOf(),
    load,
    stages: {},
    seconds: (performance.now() - began) / 1000,
    samples,
  };
  await writeRecord(out, record);
  await writePretrainedReport('report.html', record, { samples, picture: 'picture.png', shipped });
  line.done(`images  ${samples.rows.flatMap(({ images }) => images).length} images and the report`);
  line.done(`demo    ${record.seconds.toFixed(0)} s in all`);
  line.done('');
  line.done(`report       ${join(out, 'report.html')}`);
  for (const { images } of samples.rows) line.done(`images       ${join(out, images[0]!, '..')}`);
}
