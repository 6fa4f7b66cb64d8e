import { writeFile } from 'node:fs/promises';
import { loadConfig } from '@codiff/ldm-core/node';
import type { BadSample, DatasetReport, FaceDatasetOptions } from '@codiff/trainer';
import type { Argv, CommandModule } from 'yargs';
import { UsageError } from '../usage-error.js';

/** Loaded when a command needs it: it brings image libraries that other commands do without. */
const trainer = () => import('@codiff/trainer');

const synth: CommandModule<object, { n: number; size: number; seed: number; out: string }> = {
  command: 'synth',
  describe: 'draw a set of faces with masks, captions and sketches, in the training form',
  builder: (yargs: Argv) =>
    yargs
      .option('n', { type: 'number', default: 2000, describe: 'how many faces' })
      .option('size', { type: 'number', default: 64, describe: 'side of the images in pixels' })
      .option('seed', { type: 'number', default: 1, describe: 'the same seed draws the same faces' })
      .option('out', { type: 'string', demandOption: true, describe: 'folder to make' }),
  handler: async ({ n, size, seed, out }) => {
    const whole = { n, size, seed };
    for (const [flag, value] of Object.entries(whole)) {
      if (!Number.isSafeInteger(value) || (flag !== 'seed' && value < 1)) {
        throw new UsageError(
          `${flag === 'n' ? '-n' : `--${flag}`} is ${value}, a ${flag === 'seed' ? '' : 'positive '}whole number was wanted`,
        );
      }
    }
    if (size < 32 || size > 2048) throw new UsageError(`--size is ${size}, a whole number from 32 to 2048 was wanted`);
    const { synthesize } = await trainer();
    const { classes, absent } = await synthesize({ ...whole, out, onFace: progress('faces', n) });
    const held = Object.entries(classes).filter(([, count]) => count > 0);
    print(`${out}: ${n} faces of ${size} x ${size}, seed ${seed}`);
    print(`classes (images that have them): ${held.map(([name, count]) => `${name} ${count}`).join(', ')}`);
    print(`classes that no drawing has: ${absent.join(', ') || 'none'}`);
  },
};

interface PrepareFlags {
  images: string;
  masks: string | undefined;
  captions: string | undefined;
  sketches: string | undefined;
  size: number | undefined;
  'skip-bad': boolean;
  out: string;
}

const prepare: CommandModule<object, PrepareFlags> = {
  command: 'prepare',
  describe: 'turn images, mask pictures and captions of plain forms into the training form',
  builder: (yargs: Argv) =>
    yargs
      .option('images', { type: 'string', demandOption: true, describe: 'folder of JPEG or PNG images' })
      .option('masks', {
        type: 'string',
        describe: 'folder of masks: palette, grey or coloured PNGs, or CelebAMask-HQ parts (00001_l_brow.png)',
      })
      .option('captions', {
        type: 'string',
        describe: '.json, .jsonl, lines of name, tab, caption (.txt, .tsv), or a folder of .txt files',
      })
      .option('sketches', { type: 'string', describe: 'folder of pictures of sketches' })
      .option('size', { type: 'number', describe: 'crop and resize images to this side (default: copy them)' })
      .option('skip-bad', {
        alias: 'skip_bad',
        type: 'boolean',
        default: false,
        describe: 'leave out samples that cannot be used',
      })
      .option('out', { type: 'string', demandOption: true, describe: 'folder to make' }),
  handler: async ({ images, masks, captions, sketches, size, 'skip-bad': skipBad, out }) => {
    if (size !== undefined && !(Number.isSafeInteger(size) && size >= 8)) {
      throw new UsageError(`--size is ${size}, a whole number from 8 on was wanted`);
    }
    const onSample = progress('samples');
    const { prepareDataset } = await trainer();
    const report = await prepareDataset({ images, masks, captions, sketches, size, skipBad, out, onSample });
    for (const { name, problem } of report.leftOut) print(`left out ${name}: ${problem}`);
    const form = report.maskForm === undefined ? 'no masks' : `masks from ${report.maskForm}`;
    print(`${out}: ${report.samples} samples, ${form}, ${report.leftOut.length} left out`);
  },
};

interface CheckFlags {
  data: string | undefined;
  config: string[] | undefined;
  size: number | undefined;
  sheet: string | undefined;
  json: boolean;
}

const check: CommandModule<object, CheckFlags> = {
  command: 'check',
  describe: 'read every sample and report each bad one; exit code 1 if there is any',
  builder: (yargs: Argv) =>
    yargs
      .option('data', { type: 'string', describe: 'root of a data set: image/, text/, mask/, sketch/' })
      .option('config', { type: 'string', array: true, describe: 'or the data set that these configs train on' })
      .conflicts('data', 'config')
      .option('size', { type: 'number', describe: 'side that every image should have' })
      .option('sheet', { type: 'string', describe: 'write a contact sheet, bad samples first, to this PNG file' })
      .option('json', { type: 'boolean', default: false, describe: 'print the report as JSON' }),
  handler: async ({ data, config, size, sheet, json }) => {
    const { CheckSheet, checkDataset, encodePng } = await trainer();
    const dataset = await datasetToCheck(data, config);
    const pictures = new CheckSheet();
    const tell = progress('samples');
    const report = await checkDataset(dataset, size, (seen, isBad, done, of) => {
      pictures.add(seen, isBad);
      tell(done, of);
    });
    print(json ? JSON.stringify(report, null, 1) : describe(report));
    if (sheet !== undefined) {
      await writeFile(sheet, await encodePng(pictures.draw()));
      if (!json) print(`contact sheet: ${sheet}`);
    }
    if (report.bad.length > 0) process.exitCode = 1;
  },
};

/** What `--data` or `--config` name. @throws UsageError where there is neither */
async function datasetToCheck(root?: string, configs?: readonly string[]): Promise<FaceDatasetOptions['dataset']> {
  const { checkTrainingConfig, conditionNames, DatasetConfig, dataModuleOf, findFolders, trainerRegistry } =
    await trainer();
  if (configs !== undefined) {
    const { data } = await loadConfig(configs, { registry: trainerRegistry, check: checkTrainingConfig });
    const { train } = dataModuleOf(data ?? {});
    if (train === undefined) throw new UsageError(`--config: ${configs.join(', ')} name no data.params.train`);
    return train.dataset;
  }
  if (root === undefined) throw new UsageError('name the data set: --data DIR or --config FILE');
  const folders = findFolders(root);
  const held = { text: true, seg_mask: folders.maskFolder !== undefined, sketch: folders.sketchFolder !== undefined };
  const { imPreprocessorConfig: _, ...defaults } = DatasetConfig.parse({ imPreprocessorConfig: { target: '' } });
  return { ...defaults, ...folders, conditions: conditionNames.filter((name) => held[name]) };
}

function describe({ samples, bad }: DatasetReport): string {
  const line = ({ name, fault, file, problem }: BadSample) => `${name}: ${fault}: ${file}: ${problem}`;
  return [...bad.map(line), `${samples} samples, ${new Set(bad.map(({ name }) => name)).size} bad`].join('\n');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A counter on a terminal's last line; silent elsewhere. */
function progress(what: string, total = 0): (done: number, of?: number) => void {
  return (done, of = total) => {
    if (!process.stderr.isTTY || (done % 20 !== 0 && done !== of)) return;
    process.stderr.write(`\r${done} of ${of} ${what}${done === of ? '\n' : ''}`);
  };
}

/** `codiff dataset synth | prepare | check`. */
export const datasetCommand: CommandModule = {
  command: 'dataset',
  describe: 'draw, convert and check data sets',
  builder: (yargs) =>
    yargs
      .command(synth)
      .command(prepare)
      .command(check)
      .demandCommand(1, 'name one: synth, prepare, check')
      .example('$0 dataset synth -n 2000 --size 64 --seed 1 --out dataset/demo', '')
      .example('$0 dataset prepare --images photos --captions captions.jsonl --size 512 --out dataset/own', '')
      .example('$0 dataset check --data dataset/own --sheet sheet.png', ''),
  handler: () => undefined,
};
