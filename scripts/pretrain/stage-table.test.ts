import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { configOf } from './run-to-resume.js';
import {
  commandLine,
  overridesOf,
  PRETRAIN_STAGES,
  type PretrainStage,
  resumeCommand,
  STAGE_NAMES,
  type StageName,
  trainCommand,
} from './stage-table.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const stageOf = (name: StageName): PretrainStage => PRETRAIN_STAGES.find((stage) => stage.name === name)!;
const DATA = (split: string): string =>
  `data.params.${split}.params.image_folder=dataset/drawings/image/image_64 ` +
  `data.params.${split}.params.text_file=dataset/drawings/text/captions_hq_beard_and_age_2022-08-19.json ` +
  `data.params.${split}.params.test_dataset_size=1000`;

it('trains in the order of need', () => {
  expect(PRETRAIN_STAGES.map(({ name }) => name)).toEqual(STAGE_NAMES);
  for (const [i, { needs }] of PRETRAIN_STAGES.entries()) {
    for (const need of needs) expect(STAGE_NAMES.indexOf(need)).toBeLessThan(i);
  }
});

it('says the command of a stage as it is typed', () => {
  expect(commandLine(trainCommand(stageOf('encoder')))).toBe(
    'npm run -s codiff -- train -b configs/demo_vae.yaml -t --seed 23 --precision bfloat16 --max_steps 9000 --name pretrain_encoder ' +
      "--num_sanity_val_steps 0 --limit_val_batches 20 'model.params.scheduler_config.params.cycle_lengths=[9000]' " +
      `lightning.trainer.max_steps=9000 ${DATA('train')} ${DATA('validation')}`,
  );
  expect(resumeCommand('logs/x_pretrain_vae')).toEqual(['train', '-t', '--resume', 'logs/x_pretrain_vae']);
});

it('reads no run of another stage, only its shipped files', () => {
  for (const stage of PRETRAIN_STAGES) {
    const paths = overridesOf(stage).filter((override) => /ckpt_path|config_path/.test(override));
    expect(paths.every((path) => /=pretrained\/demo(_stages)?\/\w+\.(safetensors|yaml)$/.test(path))).toBe(true);
    for (const need of stage.needs.filter((name) => stage.name !== 'codiff' || name !== 'vae')) {
      expect(paths.some((path) => path.endsWith(`/${need}.safetensors`))).toBe(true);
    }
  }
});

it.each([
  ['encoder', 9000, 'bfloat16', false],
  ['vae', 14000, 'bfloat16', false],
  ['mask', 8000, 'bfloat16', true],
  ['text', 18000, 32, true],
] as const)('%s: its overrides fit its config', async (name, steps, precision, cached) => {
  const { model, data, lightning } = await configOf(stageOf(name), ROOT);
  const { params } = model;
  expect(params).toMatchObject({ scheduler_config: { params: { cycle_lengths: [steps] } } });
  expect(lightning).toMatchObject({ trainer: { max_steps: steps, precision } });
  expect(data).toMatchObject({ params: { batch_size: 8, validation: { params: { test_dataset_size: 1000 } } } });
  expect(data?.cache_latents ?? false).toBe(cached);
  if (cached) {
    expect(params).toMatchObject({ first_stage_config: { params: { ckpt_path: 'pretrained/demo/vae.safetensors' } } });
  }
});

it('leaves the latents as they are once the encoder is trained', async () => {
  const { model, lightning } = await configOf(stageOf('vae'), ROOT);
  expect(model.params).toMatchObject({ ckpt_path: 'pretrained/demo_stages/encoder.safetensors' });
  const { learning_rates } = lightning as { learning_rates: { match: string; lr: number | null }[] };
  const frozen = (key: string) => learning_rates.find(({ match }) => new RegExp(match).test(key))!.lr === null;
  const keys = ['encoder.conv_in.weight', 'quant_conv.bias', 'decoder.conv_out.weight', 'post_quant_conv.weight'];
  expect(keys.map(frozen)).toEqual([true, true, false, false]);
  // What is not frozen keeps the rate of the config.
  expect(learning_rates.at(-1)!.lr).toBe((await configOf(stageOf('encoder'), ROOT)).model.base_learning_rate);
});
